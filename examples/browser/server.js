import { readFileSync } from 'node:fs'
import { parseConfig } from '@flatend/gateway'
import { startGateway } from '@flatend/node'

const config = parseConfig(readFileSync('config.toml', 'utf8'))
const [{ port }] = config.listeners[0].addresses
const mesh = `ws://127.0.0.1:${process.env.WS_PORT ?? 9001}`

// The gateway's own node takes the WebSockets of pages: it is the one that calls them.
const gateway = await startGateway({
  config,
  node: {
    bindAddrs: [config.addr, mesh],
    // Of all pages a browser may show, only ours may connect.
    webOrigins: [`http://127.0.0.1:${port}`, `http://localhost:${port}`],
    services: {
      mesh: () => mesh,
      clock: () => new Date().toTimeString(),
      echo: (ctx) => ctx.pipe(ctx),
    },
  },
  log: {
    debug() {},
    info: (fields, message) => console.log(message, fields),
    warn: (fields, message) => console.warn(message, fields),
    error: (fields, message) => console.error(message, fields),
  },
})
console.log(`Open http://127.0.0.1:${port}/ in a browser. Ctrl+C stops it.`)

const stop = () => void gateway.stop()
process.once('SIGINT', stop).once('SIGTERM', stop)
