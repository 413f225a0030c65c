#!/bin/busybox sh
# The first process of a virtual machine: makes it one that the suite can run on,
# runs it, and switches the machine off.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts pts /dev/pts
mount -t cgroup2 cgroup /sys/fs/cgroup
chmod 1777 /tmp
ip link set lo up
# The kernel writes to another serial port, so that its words are not among ours.
. /environment
/run.sh >"/dev/$PORT" 2>&1 </dev/null
poweroff -f
