"""What `setup` installs and removes: the snapshot API with its controller, csi-driver-nfs, and classes for it.

Objects come from upstream's release or from the user's folder, never from this repository. Nothing that somebody else
manages is changed. No click here, and no judging of storage: that is readiness/.
"""
