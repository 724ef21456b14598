import { fetchService, Node } from '@flatend/node'
import { Hono } from 'hono'

const port = process.env.MESH_PORT ?? 9000
const app = new Hono()

app.get('/hello/:name', (c) =>
  c.text(`Hello ${c.req.param('name')}, ${c.req.query('how') ?? 'hi'}`),
)

// Bodies stream both ways: each piece goes back as it came.
app.post('/echo', (c) => new Response(c.req.raw.body))

app.put('/login', (c) => {
  c.header('set-cookie', 'user=ada', { append: true })
  c.header('set-cookie', 'theme=dark', { append: true })
  return c.json({ ok: true }, 201)
})

// Other services of the mesh are a call away.
app.get('/time', async (c) => c.text(await (await c.env.context.call('time')).text()))

// Never ends by itself: the signal says that nobody listens any more.
app.get('/ticks', (c) => {
  c.req.raw.signal.addEventListener('abort', () => console.log('web: the client left'))
  return new Response(ReadableStream.from(ticks(c.req.raw.signal)))
})

async function* ticks(signal) {
  for (let n = 1; !signal.aborted; n++) {
    yield new TextEncoder().encode(`tick ${n}\n`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

await Node.start({
  addrs: [`127.0.0.1:${port}`],
  services: { web: fetchService(app.fetch), time: () => new Date().toISOString() },
})
console.log('web: running. Ctrl+C stops it.')
