"""The kiosk page and what only it needs: pairing, signed requests, offline bundles and events, the page.

Promise: the page holds no secret of the server's and no faceprint; what it holds of people is encrypted,
expires, and opens nothing that the server would not have opened when it was made.
"""
