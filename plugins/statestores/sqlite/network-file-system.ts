/**
 * Magic numbers of `statfs` on Linux for file systems that lie on another machine. Not 9p and FUSE,
 * which sandboxes and containers show for local disks too.
 */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, "nfs"],
  [0x517b, "smb"],
  [0xff534d42, "cifs"],
  [0xfe534d42, "smb2"],
  [0x00c36400, "ceph"],
  [0x5346414f, "afs"],
  [0x6b414653, "kafs"],
  [0x01161970, "gfs2"],
  [0x7461636f, "ocfs2"],
  [0x0bd00bd0, "lustre"],
  [0x73757245, "coda"],
  [0x564c, "ncp"],
]);

/**
 * The name of the network file system that `statfs` reports by `type`, or `undefined` for a local
 * one. SQLite's locks and its log do not work over a network.
 */
export function networkFileSystem(type: number): string | undefined {
  return NETWORK_FILE_SYSTEMS.get(type >>> 0);
}
