print("train, and faster")
