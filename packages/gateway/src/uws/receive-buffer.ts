import { spawnSync } from 'node:child_process'
import { fstatSync, readdirSync } from 'node:fs'
import { basename } from 'node:path'

/**
 * What the system may keep of an upload nobody reads, in bytes. Linux doubles it for its own
 * bookkeeping and takes one segment more: together less than the 512 KiB the library reads at once.
 */
const RECEIVE_BUFFER = 196_608
/** Milliseconds the process that does it may take; about 60 are usual. */
const PATIENCE_MS = 2_000
const FIRST_INHERITED = 3

/**
 * Runs in a process of its own. Node sets this option for UDP only, but does not look what kind of
 * socket it opened; and in the process that listens it would own the descriptor, and close it.
 */
const SCRIPT = `
const { UDP } = process.binding('udp_wrap')
const [port, size, count] = process.argv.slice(1).map(Number)
let done = 0
for (let fd = ${FIRST_INHERITED}; fd < ${FIRST_INHERITED} + count; fd++) {
  const socket = new UDP()
  const name = {}
  if (socket.open(fd) !== 0 || socket.getsockname(name) !== 0 || name.port !== port) continue
  if (socket.bufferSize(size, true, {}) >= size) done++
}
process.exitCode = done > 0 ? 0 : 1
`

/** Descriptors of this process that are sockets; none where the system does not tell. */
export function openSockets(): readonly number[] {
  if (process.platform !== 'linux') return []
  try {
    return readdirSync('/dev/fd').map(Number).filter(isSocket)
  } catch {
    return []
  }
}

/**
 * Makes the receive buffers of connections a new listener accepts from now on small.
 *
 * The library reads a socket again and again without looking whether it was paused meanwhile, as long
 * as each read fills its 512 KiB. A client that sends as fast as that is not held back at all, and
 * nothing else of the event loop runs. With less than 512 KiB in the system no read is ever full.
 *
 * It waits for that process: a port whose listener somebody else has open cannot be listened on again.
 *
 * @param before - {@link openSockets} before it listened.
 * @returns whether it could be done: on Linux, in Node proper, where processes may be started.
 */
export function limitReceiveBuffer(before: readonly number[], port: number): boolean {
  const listeners = openSockets().filter((fd) => !before.includes(fd))
  // What embeds Node does not run a script given to it.
  if (listeners.length === 0 || basename(process.execPath) !== 'node') return false
  const args = ['--no-deprecation', '-e', SCRIPT, port, RECEIVE_BUFFER, listeners.length]
  const { NODE_OPTIONS: _, ...env } = process.env
  try {
    const { status } = spawnSync(process.execPath, args.map(String), {
      stdio: ['ignore', 'ignore', 'ignore', ...listeners],
      env,
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    })
    return status === 0
  } catch {
    return false
  }
}

function isSocket(fd: number): boolean {
  try {
    return fstatSync(fd).isSocket()
  } catch {
    return false
  }
}
