"""Values to text: siblings over the same findings; no view computes anything that another could not."""
