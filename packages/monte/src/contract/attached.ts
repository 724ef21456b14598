import type { Link } from '../ports.ts'
import { expectBytes, expectThat } from './expect.ts'
import { type LinkScene, Recorder, silence, until } from './link-scene.ts'

/** A scene with a recorder at each end. */
export interface Attached extends LinkScene {
  readonly nearHeard: Recorder
  readonly farHeard: Recorder
}

/** Makes links and attaches to both. */
export async function attached(make: () => Promise<LinkScene>): Promise<Attached> {
  const scene = await make()
  const [nearHeard, farHeard] = [Recorder.on(scene.near), Recorder.on(scene.far)]
  return { near: scene.near, far: scene.far, turn: () => scene.turn(), nearHeard, farHeard }
}

/** Everything sent has arrived, in order. */
export async function arrives(scene: LinkScene, heard: Recorder, sent: Uint8Array): Promise<void> {
  await until(scene, () => heard.length >= sent.length, `${sent.length} bytes arrive`)
  expectBytes(heard.bytes, sent, 'what arrives is what was sent')
}

/** Each hears of the close, once, and of nothing after it. */
export async function closes(scene: LinkScene, ...heard: readonly Recorder[]): Promise<void> {
  await until(scene, () => heard.every((one) => one.closes.length > 0), 'onClose comes')
  await silence(scene)
  for (const one of heard) {
    expectThat(one.closes.length === 1, `onClose comes once, it came ${one.closes.length} times`)
    expectThat(one.ends <= 1, `onEnd comes once, it came ${one.ends} times`)
    expectThat(one.late.length === 0, `nothing comes late: ${one.late.join(', ')}`)
  }
}

/** One side is gone: the other hears of an end or a close, and ends its own side. */
export async function noticed(scene: LinkScene, other: Link, heard: Recorder): Promise<void> {
  await until(scene, () => heard.closes.length + heard.ends > 0, 'the other side notices')
  other.end()
}
