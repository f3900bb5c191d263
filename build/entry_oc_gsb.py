"""What PyInstaller freezes as the executable oc-gsb."""

from oc_gsb.main import main

main()
