"""What a file is to weigh, or how close it is to come: the one way from a picture to a file."""
