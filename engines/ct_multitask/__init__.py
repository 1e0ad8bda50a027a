"""Vertebral fractures on CT, and the risk of the next one, from bone and muscle; see README.md."""
