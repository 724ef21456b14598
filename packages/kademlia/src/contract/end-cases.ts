import { RemoteProtocolError } from '@flatend/wire'
import { expectThat, pattern } from './expect.ts'
import { ask, connected, networkCase, type Played, pass, say, until } from './play.ts'
import type { Answer, NetworkCase } from './scene.ts'

/** Both ends are told. */
async function ended({ nearHeard, farHeard, ...scene }: Played): Promise<void> {
  const over = (): boolean => nearHeard.open.length + farHeard.open.length === 0
  await until(scene, over, '`disconnected` is told at both ends')
  await pass(scene)
}

/** Each was answered with -1, once. */
function expectNoReply(answers: readonly Answer[]): void {
  for (const { statuses } of answers) {
    const what = statuses.join(', ') || 'nothing'
    expectThat(statuses.join() === '-1', `who waits for an answer hears -1, once, not ${what}`)
  }
}

const brokenRule = (): RemoteProtocolError =>
  new RemoteProtocolError('FLATEND_KADEMLIA_LIMIT', 'the peer broke a rule')

/** How connections end. */
export const endCases: readonly NetworkCase[] = [
  networkCase('retire: what was sent arrives, then both hear of the end', async (scene) => {
    const { near } = await connected(scene)
    for (let i = 0; i < 20; i++) say(near, pattern(100, i))
    near.retire('another connection is kept')
    near.retire('another connection is kept')
    expectThat(
      scene.nearHeard.ended.length === 0,
      '`disconnected` is not told from within the call',
    )
    await ended(scene)
    expectThat(scene.farHeard.messages.length === 20, 'what was said before is not lost')
  }),

  networkCase('retire by the one that was dialed, and by both', async (scene) => {
    const first = await connected(scene)
    first.far.retire('over')
    await ended(scene)
    const second = await connected(scene)
    second.near.retire('over')
    second.far.retire('over')
    await ended(scene)
  }),

  networkCase('who waits for an answer when the connection ends hears -1', async (scene) => {
    const { near, far } = await connected(scene)
    const answers = [ask(near), ask(far), ask(near)]
    await until(scene, () => scene.farHeard.messages.length === 2, 'the requests arrive')
    near.retire('over')
    await ended(scene)
    expectNoReply(answers)
  }),

  networkCase('after the end a request hears -1, and all else means nothing', async (scene) => {
    const { near, far } = await connected(scene)
    near.retire('over')
    await ended(scene)
    const answers = [ask(near), ask(far)]
    expectThat(!answers.some(({ heard }) => heard), 'an answer is not told from within the call')
    for (const peer of [near, far]) {
      say(peer, Uint8Array.of(1))
      peer.reply(1, 0)
      peer.retire('once more')
    }
    await pass(scene)
    expectNoReply(answers)
    expectThat(scene.nearHeard.messages.length + scene.farHeard.messages.length === 0, 'no message')
    const { services } = near
    expectThat(services.includes('far'), 'what the peer is can be asked still')
  }),

  networkCase('another connection is not touched by the end of the first', async (scene) => {
    const [first, second] = [await connected(scene), await connected(scene)]
    // A network may give the same connection again.
    if (first.near === second.near) return
    scene.farHeard.whenReceived = ({ peer, seq }) => peer.reply(seq, 0)
    first.near.retire('another connection is kept')
    await until(scene, () => scene.nearHeard.ended.includes(first.near), 'the first ends')
    await pass(scene)
    const answer = ask(second.near)
    await until(scene, () => answer.heard, 'an answer comes')
    expectThat(answer.statuses[0] === 0, 'the second goes on')
  }),

  networkCase('a RemoteProtocolError of `receive` ends the connection', async (scene) => {
    const { near } = await connected(scene)
    scene.farHeard.whenReceived = () => {
      throw brokenRule()
    }
    for (let i = 0; i < 5; i++) say(near, Uint8Array.of(i))
    await ended(scene)
    expectThat(scene.farHeard.messages.length === 1, 'nothing more is taken of who broke a rule')
  }),

  networkCase('a RemoteProtocolError of `onReply` ends the connection', async (scene) => {
    const { near } = await connected(scene)
    scene.farHeard.whenReceived = ({ peer, seq }) => peer.reply(seq, 0)
    const answer = ask(near)
    answer.whenHeard = () => {
      throw brokenRule()
    }
    await ended(scene)
    expectThat(answer.statuses.join() === '0', 'the answer is heard once')
  }),
]
