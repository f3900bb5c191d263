"""What PyInstaller freezes as the executable kubectl-rwx."""

from kubectl_rwx.main import main

main()
