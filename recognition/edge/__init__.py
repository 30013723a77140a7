"""The edge agent: a small computer beside a camera picks the best frame of each face and sends it in.

Promise: what the agent chose is on disk before it is sent, sealed, and leaves the disk only when the server
has answered; a power cut or a broken line loses nothing, and nothing counts twice.
"""
