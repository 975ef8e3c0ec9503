package radosgw

// keyring has the keys of the monitor, of everybody else (the gateway too), and of the store.
const keyring = `[mon.]
	key = %s
	caps mon = "allow *"
[client.admin]
	key = %s
	caps mon = "allow *"
	caps osd = "allow *"
[osd.0]
	key = %s
	caps mon = "allow profile osd"
	caps osd = "allow *"
`

// configuration is of a cluster that nobody will miss: everything once, in memory, without waiting for a second copy, and
// decided by the one monitor at once.
const configuration = `[global]
fsid = FSID
mon host = v2:MONITOR/0
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
keyring = DIR/keyring
log file = DIR/$name.log
log to stderr = false
err to stderr = true
mon cluster log file = DIR/cluster.log
admin socket =
pid file =
run dir = DIR
crash dir = DIR
mon data = DIR/mon
osd data = DIR/osd
rgw data = DIR/rgw
osd objectstore = memstore
memstore device bytes = 1073741824
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 10000
mon data avail crit = 0
paxos propose interval = 0.02
paxos min wait = 0.01
rgw rados pool pg num min = 1
rgw run sync thread = false
rgw s3 auth use sts = true
rgw sts key = STSKEY
rgw frontends = beast endpoint=GATEWAY
`
