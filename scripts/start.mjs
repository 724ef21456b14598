// The demo: a gateway, a service in a process of its own, and what to open.
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build, install, root } from './setup.mjs'

const httpPort = readPort('PORT', 3000)
const meshPort = readPort('MESH_PORT', 9000)
await expectFree(httpPort, 'PORT')
await expectFree(meshPort, 'MESH_PORT')

install()
build(['apps/node'])

const example = join(root, 'examples', 'hello-world')
const folder = mkdtempSync(join(tmpdir(), 'flatend-demo-'))
const config = join(folder, 'config.toml')
writeFileSync(
  config,
  readFileSync(join(example, 'config.toml'), 'utf8')
    .replace('127.0.0.1:9000', `127.0.0.1:${meshPort}`)
    .replace('127.0.0.1:3000', `127.0.0.1:${httpPort}`),
)

const gateway = launch([join(root, 'apps/node/bin/flatend.js'), 'gateway', '-c', config], 'pipe')
await ready(gateway)
const service = launch([join(example, 'index.js')], 'inherit')
const mesh = meshPort === 9000 ? '' : `MESH_PORT=${meshPort} `

console.log(`
flatend runs: a gateway (pid ${gateway.pid}) and a service called hello (pid ${service.pid}).

  Open it          curl http://127.0.0.1:${httpPort}/hello
  Stop the service kill ${service.pid}
  Start it again   ${mesh}node examples/hello-world/index.js
  The function     examples/hello-world/index.js
  Stop everything  Ctrl+C
`)

service.once('exit', () => {
  if (!stopping)
    console.log('The service has stopped: /hello answers 503 until it is started again.')
})
gateway.once('exit', (code) => {
  if (!stopping) console.error(`The gateway has stopped (${code}).`)
  stop()
})

let stopping = false
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop)
// npm runs this by a shell, which a signal to npm ends alone: nobody would be left to stop the rest.
const { ppid } = process
setInterval(() => process.ppid !== ppid && stop(), 500).unref()

function stop() {
  if (stopping) return
  stopping = true
  service.kill('SIGTERM')
  gateway.kill('SIGTERM')
}
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

function launch(args, stdout) {
  return spawn(process.execPath, args, {
    cwd: root,
    env: { ...process.env, MESH_PORT: String(meshPort) },
    stdio: ['ignore', stdout, 'inherit'],
  })
}

/** Passes the gateway's log on, and resolves once it says that it serves HTTP. */
function ready(child) {
  return new Promise((resolve) => {
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk)
      if (chunk.toString().includes('HTTP')) resolve()
    })
    child.once('exit', (code) => process.exit(code ?? 1))
  })
}

function readPort(name, fallback) {
  const text = process.env[name]
  if (text === undefined || text === '') return fallback
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    console.error(`${name}=${text} is not a port: use a number from 1 to 65535`)
    process.exit(2)
  }
  return port
}

function expectFree(port, name) {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error) => {
      console.error(`port ${port} cannot be used (${error.code}): choose another with ${name}=…`)
      process.exit(2)
    })
    probe.listen({ port, host: '127.0.0.1' }, () => probe.close(resolve))
  })
}
