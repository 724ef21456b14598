import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { example, start } from '../support/example.ts'

test('lines go through encrypted, and come back in capitals', async () => {
  const layer = await example('one-layer')
  const listener = layer.run('listen.js')
  const [, port, key] = await listener.prints(/127\.0\.0\.1:(\d+) with the key ([0-9a-f]{64})/)
  const wire = await tap(Number(port))

  const dialer = start(process.execPath, [join(layer.folder, 'dial.js'), `${key}`], {
    env: { PORT: String(wire.port) },
  })
  await dialer.prints(/secure/)
  dialer.types('the launch code is 4711')
  await dialer.prints(/^THE LAUNCH CODE IS 4711$/m)
  await listener.prints(/^[0-9a-f]{8} says: the launch code is 4711$/m)

  dialer.child.stdin.end()
  expect(await dialer.ended).toBe(0)
  await listener.prints(/^closed$/m)
  const seen = Buffer.concat(wire.seen)
  expect(seen.length).toBeGreaterThan(200)
  expect(seen.includes('4711')).toBe(false)
  wire.close()
})

test('a listener with another key is refused', async () => {
  const layer = await example('one-layer')
  const listener = layer.run('listen.js')
  const [, key = ''] = await listener.prints(/with the key ([0-9a-f]{64})/)
  const other = (key.startsWith('0') ? '1' : '0') + key.slice(1)

  const dialer = layer.run('dial.js', other)
  expect(await dialer.ended).toBe(1)
  expect(dialer.output).toMatch(/refused or lost/)
  expect(dialer.output).not.toContain('secure')
})

/** A listener in the middle that passes everything on and keeps a copy. */
async function tap(port: number) {
  const seen: Buffer[] = []
  const server = createServer((inner) => {
    const outer = connect(port, '127.0.0.1')
    inner.on('data', (chunk: Buffer) => seen.push(chunk))
    outer.on('data', (chunk: Buffer) => seen.push(chunk))
    inner.pipe(outer).pipe(inner)
    for (const socket of [inner, outer]) socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { seen, port: (server.address() as AddressInfo).port, close: () => server.close() }
}
