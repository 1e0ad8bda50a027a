"""What several models need of a body: where its parts lie in a volume."""
