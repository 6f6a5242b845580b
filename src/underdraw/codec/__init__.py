"""The codec: pictures to bytes and back, through a model of what pictures look like."""
