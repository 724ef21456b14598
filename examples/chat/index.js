import { EventEmitter, on } from 'node:events'
import { Node } from '@flatend/node'

const port = process.env.MESH_PORT ?? 9000

/** What is said, by room. Nobody listens to an empty one, so it costs nothing. */
const rooms = new EventEmitter({ captureRejections: true }).setMaxListeners(0)

const say = (room, from, text) => rooms.emit(room, JSON.stringify({ from, text }))

await Node.start({
  addrs: [`127.0.0.1:${port}`],
  services: {
    /** A browser's WebSocket: what it sends goes to all in the room, what they say comes back. */
    chat: async (ctx) => {
      const { room } = ctx.params
      const name = ctx.query.name?.trim().slice(0, 40) || 'somebody'
      const socket = ctx.webSocket()
      const hear = (message) => socket.send(message)
      rooms.on(room, hear)
      say(room, '', `${name} is here`)
      try {
        for await (const message of socket) {
          if (message === '/leave') break
          say(room, name, String(message))
        }
      } finally {
        rooms.off(room, hear)
        say(room, '', `${name} left`)
      }
    },

    /** The same, to read only: server-sent events. */
    watch: async function* (ctx) {
      ctx.header('content-type', 'text/event-stream')
      yield 'retry: 1000\n\n'
      try {
        for await (const [message] of on(rooms, ctx.params.room, { signal: ctx.signal })) {
          yield `data: ${message}\n\n`
        }
      } catch (error) {
        // The reader left: nothing is wrong.
        if (!ctx.signal.aborted) throw error
      }
    },
  },
})
console.log('chat: running. Open http://127.0.0.1:3000 in two windows. Ctrl+C stops it.')
