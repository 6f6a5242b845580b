"""Parts of networks: attention and recurrent cells."""
