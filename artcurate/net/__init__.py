"""What every conversation with a server needs: requests, patience, keys that do not show."""
