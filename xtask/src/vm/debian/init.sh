#!/bin/busybox sh
# The first process of a virtual machine with Debian's userland: mounts its root, lays
# there what is to be run, and becomes systemd.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t devtmpfs dev /dev
for driver in /drivers/*; do
    insmod "$driver"
done
until mount -t ext4 /dev/vda /root; do
    sleep 1
done
cp -a /payload/. /root/
umount /dev
exec switch_root /root /sbin/init
