"""Where hospital and science meet: Celery tasks that screen a series and deliver its results."""
