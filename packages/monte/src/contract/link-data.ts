import type { Link } from '../ports.ts'
import { arrives, attached } from './attached.ts'
import { expectBytes, expectThat, joined, pattern } from './expect.ts'
import { type LinkCase, Recorder, silence, until, Writing } from './link-scene.ts'

const SIZES = [1, 2, 3, 1_000, 16_384, 65_535, 65_536, 65_537, 200_000]

/** Bytes. */
export const linkData: readonly LinkCase[] = [
  {
    name: 'bytes arrive whole and in order, both ways at once',
    async run(make) {
      const scene = await attached(make)
      const there = SIZES.map((size) => pattern(size, size))
      const back = SIZES.map((size) => pattern(size, size + 1))
      const writings = [new Writing(scene.near, there), new Writing(scene.far, back)] as const
      scene.nearHeard.onDrainHook = () => writings[0].drained()
      scene.farHeard.onDrainHook = () => writings[1].drained()
      for (const writing of writings) writing.go()
      await arrives(scene, scene.farHeard, joined(there))
      await arrives(scene, scene.nearHeard, joined(back))
    },
  },
  {
    name: 'the chunks of a write are one after the other, whatever their sizes',
    async run(make) {
      const scene = await attached(make)
      const chunks = [4, 0, 20_000, 1, 0, 90_000, 16].map((size, i) => pattern(size, i))
      scene.near.write(chunks)
      scene.near.write([])
      scene.near.write([new Uint8Array(0)])
      scene.near.write([Uint8Array.of(7)])
      await arrives(scene, scene.farHeard, joined([...chunks, Uint8Array.of(7)]))
      expectThat(scene.farHeard.ends === 0, 'an empty write ends nothing')
    },
  },
  {
    name: 'a chunk handed out stays as it was',
    async run(make) {
      const scene = await attached(make)
      const copies: Uint8Array[] = []
      scene.farHeard.onDataHook = () => {
        copies.push((scene.farHeard.chunks.at(-1) as Uint8Array).slice())
      }
      const sent = Array.from({ length: 50 }, (_, i) => pattern(3_000, i))
      const writing = new Writing(scene.near, sent)
      scene.nearHeard.onDrainHook = () => writing.drained()
      writing.go()
      await arrives(scene, scene.farHeard, joined(sent))
      expectBytes(joined(copies), scene.farHeard.bytes, 'chunks kept are unchanged')
    },
  },
  {
    name: 'what arrives before somebody attaches waits',
    async run(make) {
      const scene = await make()
      Recorder.on(scene.near)
      const sent = pattern(30_000)
      scene.near.write([sent])
      scene.near.end()
      await silence(scene)
      const heard = Recorder.on(scene.far)
      expectThat(heard.length === 0, 'nothing comes from within attach')
      await arrives(scene, heard, sent)
      await until(scene, () => heard.ends === 1, 'onEnd comes')
    },
  },
]

/** Writes until the link has enough. @returns everything written */
function fill(link: Link): Uint8Array {
  const chunk = pattern(65_536)
  const written: Uint8Array[] = []
  for (let i = 0; i < 1_024; i++) {
    written.push(chunk)
    if (!link.write([chunk])) return joined(written)
  }
  throw new Error('64 MiB were taken though nobody reads: write never gave false')
}

/** Too fast, too slow. */
export const linkFlow: readonly LinkCase[] = [
  {
    name: 'write gives false when nobody reads, loses nothing, and drains once somebody does',
    async run(make) {
      const scene = await attached(make)
      await silence(scene)
      scene.far.pause()
      const sent = fill(scene.near)
      expectThat(scene.nearHeard.drains === 0, 'no drain before anything is read')
      scene.far.resume()
      await arrives(scene, scene.farHeard, sent)
      await until(scene, () => scene.nearHeard.drains > 0, 'onDrain comes')
      await silence(scene)
      expectThat(scene.nearHeard.drains === 1, 'one write that gave false is one drain')
      expectThat(scene.near.write([Uint8Array.of(1)]), 'after the drain write gives true')
    },
  },
  {
    name: 'no drain without a write that gave false',
    async run(make) {
      const scene = await attached(make)
      expectThat(scene.near.write([Uint8Array.of(1)]), 'one byte is not too much')
      await arrives(scene, scene.farHeard, Uint8Array.of(1))
      await silence(scene)
      expectThat(scene.nearHeard.drains === 0, 'no drain')
    },
  },
  {
    name: '4 MiB each way at once, heeding every drain',
    async run(make) {
      const scene = await attached(make)
      const sent = Array.from({ length: 64 }, (_, i) => pattern(65_536, i))
      const writings = [new Writing(scene.near, sent), new Writing(scene.far, sent)] as const
      scene.nearHeard.onDrainHook = () => writings[0].drained()
      scene.farHeard.onDrainHook = () => writings[1].drained()
      for (const writing of writings) writing.go()
      await arrives(scene, scene.farHeard, joined(sent))
      await arrives(scene, scene.nearHeard, joined(sent))
      await until(scene, () => writings.every(({ done }) => done), 'the last drain comes')
      const expected = [writings[0].refusals, writings[1].refusals]
      const drains = [scene.nearHeard.drains, scene.farHeard.drains]
      expectThat(
        String(drains) === String(expected),
        `drains ${String(drains)}, refusals ${String(expected)}`,
      )
    },
  },
  {
    name: 'pause: at most one more chunk; resume: the rest, in order',
    async run(make) {
      const scene = await attached(make)
      const first = pattern(10_000, 1)
      scene.near.write([first])
      await arrives(scene, scene.farHeard, first)
      scene.far.pause()
      scene.far.pause()
      const rest = Array.from({ length: 20 }, (_, i) => pattern(1_000, i))
      for (const chunk of rest) {
        scene.near.write([chunk])
        await scene.turn()
      }
      const before = scene.farHeard.chunks.length
      await silence(scene)
      expectThat(scene.farHeard.chunks.length === before, 'a paused link is silent')
      scene.far.resume()
      scene.far.resume()
      await arrives(scene, scene.farHeard, joined([first, ...rest]))
    },
  },
  {
    name: 'paused right after attach: silent until resumed',
    async run(make) {
      const scene = await make()
      Recorder.on(scene.near)
      const sent = pattern(20_000)
      scene.near.write([sent])
      await silence(scene)
      const heard = Recorder.on(scene.far)
      scene.far.pause()
      await silence(scene)
      expectThat(heard.chunks.length <= 1, 'at most one chunk comes')
      scene.near.write([sent])
      await silence(scene)
      expectThat(heard.chunks.length <= 1, 'still none')
      scene.far.resume()
      await arrives(scene, heard, joined([sent, sent]))
    },
  },
  {
    name: 'paused from within onData, again and again',
    async run(make) {
      const scene = await attached(make)
      scene.farHeard.onDataHook = () => scene.far.pause()
      const sent = Array.from({ length: 30 }, (_, i) => pattern(2_000, i))
      for (const chunk of sent) {
        scene.near.write([chunk])
        await scene.turn()
        scene.far.resume()
      }
      const all = joined(sent)
      const resumed = (): boolean => {
        scene.far.resume()
        return scene.farHeard.length >= all.length
      }
      await until(scene, resumed, 'everything arrives')
      expectBytes(scene.farHeard.bytes, all, 'what arrives is what was sent')
    },
  },
]
