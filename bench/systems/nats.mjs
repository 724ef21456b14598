// nats-server, as Debian packages it, with TLS; both sides are its clients. The broker's CPU time and
// memory count on the answering side.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as nats from 'nats'
import { selfSigned } from '../lib/certificate.mjs'
import { freePort, listening } from '../lib/ports.mjs'
import { Sinks } from '../lib/sinks.mjs'
import { tell } from '../lib/tell.mjs'

/** @import { Client, Sending, Served, Target } from '../lib/types.d.ts' */

/** Bytes published between two round trips to the broker: publishing itself never waits. */
const WINDOW = 1024 * 1024

/**
 * Rejects once it is not there any more, or never was.
 * @param {import('node:child_process').ChildProcess} child
 */
async function ended(child) {
  try {
    await once(child, 'exit')
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
    throw new Error('cannot run nats-server: not installed (apt install nats-server)', {
      cause: error,
    })
  }
  throw new Error(`nats-server failed: exit ${child.exitCode}`)
}

async function broker() {
  const { cert, key } = selfSigned('localhost')
  const folder = mkdtempSync(join(tmpdir(), 'flatend-bench-nats-'))
  const port = await freePort()
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(files.cert, cert)
  writeFileSync(files.key, key, { mode: 0o600 })
  const tls = ['--tls', '--tlscert', files.cert, '--tlskey', files.key]
  const child = spawn('nats-server', ['-a', '127.0.0.1', '-p', String(port), ...tls], {
    stdio: 'ignore',
  })
  process.once('exit', () => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const failed = ended(child)
  failed.catch(() => undefined)
  await Promise.race([listening(port, 5_000), failed])
  return { port, ca: cert, pid: child.pid ?? 0 }
}

/** @param {Target} target */
function connected({ port, ca }) {
  return nats.connect({ servers: `127.0.0.1:${port}`, tls: { ca: String(ca) }, reconnect: false })
}

/** @returns {Promise<Served>} */
export async function serve() {
  const { pid, ...target } = await broker()
  const connection = await connected(target)
  connection.subscribe('echo', { callback: (_, message) => message.respond(message.data) })
  let counted = 0
  connection.subscribe('sink', {
    callback: (_, message) => {
      counted += message.data.length
      if (!message.reply) return
      message.respond(nats.StringCodec().encode(String(counted)))
      counted = 0
    },
  })
  const sinks = new Sinks()
  const slow = connection.subscribe('slow')
  sinks.slow(bodies(slow)).catch(() => undefined)
  // A subscription that nobody iterates: what an application that is stuck leaves behind.
  connection.subscribe('never')
  await connection.flush()
  return {
    target,
    pids: [pid],
    consumed: () => sinks.consumed,
    close: () => connection.close(),
  }
}

/** @param {AsyncIterable<nats.Msg>} messages */
async function* bodies(messages) {
  for await (const { data } of messages) yield data
}

/**
 * @param {Target} target
 * @returns {Promise<Client>}
 */
export async function connect(target) {
  const connection = await connected(target)
  return {
    call: (body, done) => {
      void tell(echo(connection, body), done)
    },
    send: (sending) => publish(connection, sending),
    close: () => connection.close(),
  }
}

/**
 * @param {nats.NatsConnection} connection
 * @param {Buffer} body
 */
async function echo(connection, body) {
  return (await connection.request('echo', body, { timeout: 30_000 })).data.length
}

/**
 * @param {nats.NatsConnection} connection
 * @param {Sending} sending
 */
async function publish(connection, { total, chunk, sink, onSent }) {
  for (let sent = 0; sent < total; sent += chunk.length) {
    onSent(chunk.length)
    connection.publish(sink, chunk)
    if (sent % WINDOW === 0) await connection.flush()
  }
  const { data } = await connection.request(sink, nats.Empty, { timeout: 120_000 })
  return Number(nats.StringCodec().decode(data))
}
