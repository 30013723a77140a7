"""The vector extension. On a managed server its owner creates it beforehand; then this does nothing."""

from django.db import migrations
from pgvector.django import VectorExtension


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [VectorExtension()]
