import { arrives, attached, closes, noticed } from './attached.ts'
import { expectThat, pattern } from './expect.ts'
import { type LinkCase, Recorder, silence, until } from './link-scene.ts'

/** The end, in every way. */
export const linkEnd: readonly LinkCase[] = [
  {
    name: 'end: what is queued arrives first, and the other direction goes on',
    async run(make) {
      const scene = await attached(make)
      const sent = pattern(300_000)
      scene.near.write([sent])
      scene.near.end()
      await arrives(scene, scene.farHeard, sent)
      await until(scene, () => scene.farHeard.ends === 1, 'onEnd comes')
      await silence(scene)
      expectThat(scene.farHeard.closes.length + scene.nearHeard.closes.length === 0, 'half open')
      const answer = pattern(300_000, 2)
      scene.far.write([answer])
      await arrives(scene, scene.nearHeard, answer)
      scene.far.end()
      await closes(scene, scene.nearHeard, scene.farHeard)
      expectThat(scene.nearHeard.ends === 1, 'onEnd came to both')
      const errors = [...scene.nearHeard.closes, ...scene.farHeard.closes]
      expectThat(
        errors.every((error) => error === undefined),
        'no error',
      )
    },
  },
  {
    name: 'end by both at once, and twice',
    async run(make) {
      const scene = await attached(make)
      for (const link of [scene.near, scene.far]) {
        link.write([Uint8Array.of(1)])
        link.end()
        link.end()
      }
      await closes(scene, scene.nearHeard, scene.farHeard)
      for (const heard of [scene.nearHeard, scene.farHeard]) {
        expectThat(heard.ends === 1 && heard.length === 1, 'each heard all of the other')
        expectThat(heard.closes[0] === undefined, 'no error')
      }
    },
  },
  {
    name: 'destroy ends both at once; onClose comes once, and not from within the call',
    async run(make) {
      const scene = await attached(make)
      scene.near.write([Uint8Array.of(1)])
      await arrives(scene, scene.farHeard, Uint8Array.of(1))
      scene.near.destroy()
      expectThat(scene.nearHeard.closes.length === 0, 'not from within the call')
      scene.near.destroy()
      await noticed(scene, scene.far, scene.farHeard)
      await closes(scene, scene.nearHeard, scene.farHeard)
      scene.near.destroy()
      scene.far.destroy()
      await silence(scene)
      expectThat(scene.nearHeard.closes.length === 1, 'still once')
    },
  },
  {
    name: 'destroy while much is under way: nothing after it, at either end',
    async run(make) {
      const scene = await attached(make)
      const chunk = pattern(65_536)
      for (let i = 0; i < 32; i++) scene.far.write([chunk])
      await until(scene, () => scene.nearHeard.length > 0, 'something arrives')
      scene.near.destroy()
      const heard = scene.nearHeard.length
      await noticed(scene, scene.far, scene.farHeard)
      await closes(scene, scene.nearHeard, scene.farHeard)
      expectThat(scene.nearHeard.length === heard, 'no byte after destroy')
    },
  },
  {
    name: 'destroy from within onData is the end of data',
    async run(make) {
      const scene = await attached(make)
      scene.farHeard.onDataHook = () => scene.far.destroy()
      for (let i = 0; i < 16; i++) scene.near.write([pattern(65_536)])
      await noticed(scene, scene.near, scene.nearHeard)
      await closes(scene, scene.nearHeard, scene.farHeard)
      expectThat(scene.farHeard.chunks.length === 1, 'one chunk, then nothing')
    },
  },
  {
    name: 'after end and after destroy, write gives false and sends nothing',
    async run(make) {
      const scene = await attached(make)
      scene.near.end()
      expectThat(!scene.near.write([Uint8Array.of(1)]), 'false after end')
      await until(scene, () => scene.farHeard.ends === 1, 'onEnd comes')
      scene.far.destroy()
      expectThat(!scene.far.write([Uint8Array.of(1)]), 'false after destroy')
      scene.far.end()
      scene.far.pause()
      scene.far.resume()
      await silence(scene)
      await closes(scene, scene.nearHeard, scene.farHeard)
      expectThat(!scene.near.write([Uint8Array.of(1)]), 'false after the close')
      expectThat(scene.farHeard.length + scene.nearHeard.length === 0, 'nothing was sent')
    },
  },
  {
    name: 'a peer that is gone before somebody attaches is noticed all the same',
    async run(make) {
      const scene = await make()
      Recorder.on(scene.near)
      scene.near.destroy()
      await silence(scene)
      const heard = Recorder.on(scene.far)
      await noticed(scene, scene.far, heard)
      scene.far.destroy()
      await closes(scene, heard)
    },
  },
  {
    name: 'the remote address is an IP and a port, or none',
    async run(make) {
      const scene = await make()
      for (const { remote } of [scene.near, scene.far]) {
        if (!remote) continue
        expectThat(/^[0-9a-f.:]+$/i.test(remote.host), `${remote.host} is no IP`)
        expectThat(remote.port > 0 && remote.port < 65_536, `${remote.port} is no port`)
      }
      scene.near.destroy()
    },
  },
]
