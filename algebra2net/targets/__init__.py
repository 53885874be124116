"""What a Program can be compiled to."""
