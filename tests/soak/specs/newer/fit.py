print("fit, and faster")
