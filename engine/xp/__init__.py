"""The libraries that compute the rules of the table: floats, NumPy arrays, Values. One adapter each."""
