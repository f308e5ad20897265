"""The command fm-keras: Click reads, one call works, Rich shows.  Installed as the package fm_keras_cli."""
