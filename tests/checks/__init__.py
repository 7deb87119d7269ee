"""Tests of the rules that cross kinds."""
