import { FIND_NODE2, SERVICES as SERVICES_CHANGED } from '../codec.ts'
import { expectBytes, expectThat, pattern } from './expect.ts'
import { ask, connected, networkCase, pass, say, until } from './play.ts'
import type { Answer, Kept, NetworkCase } from './scene.ts'

/** Those of protocol §3, and the last there is room for. */
const STATUSES: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255]
/** More than a page of PEERS takes. */
const LARGE = 16_000

/** Statuses an answer came with. */
const said = ({ statuses }: Answer): string => statuses.join(', ') || 'nothing'

/** The first byte of each. */
const firsts = (messages: readonly Kept[]): string => messages.map(({ body }) => body[0]).join()

/** Messages, and the answers to them. */
export const messageCases: readonly NetworkCase[] = [
  networkCase('a request is answered once, with any status and its body', async (scene) => {
    const peers = await connected(scene)
    scene.farHeard.whenReceived = ({ peer, seq, body }) => {
      const status = STATUSES[body[0] as number] as number
      peer.reply(seq, status, (writer) => void writer.bytes(body))
    }
    scene.nearHeard.whenReceived = scene.farHeard.whenReceived
    for (const peer of [peers.near, peers.far]) {
      for (const [i, status] of STATUSES.entries()) {
        const body = pattern(i === 0 ? LARGE : 20, i)
        const answer = ask(peer, body)
        await until(scene, () => answer.heard, 'an answer comes')
        expectThat(answer.statuses.join() === `${status}`, `${status} it was, not ${said(answer)}`)
        if (status === 0) expectBytes(answer.body, body, 'the body of an answer')
      }
    }
    await pass(scene)
    const seqs = [...scene.farHeard.messages, ...scene.nearHeard.messages]
    expectThat(
      seqs.every(({ seq, opcode }) => seq !== 0 && opcode === FIND_NODE2),
      'a request has a number, by which it is answered, and its opcode',
    )
  }),

  networkCase('answers may come in any order, each to whom it belongs', async (scene) => {
    const { near } = await connected(scene)
    const waiting: Kept[] = []
    scene.farHeard.whenReceived = (message) => void waiting.push(message)
    const answers = Array.from({ length: 20 }, (_, i) => ask(near, Uint8Array.of(i)))
    await until(scene, () => waiting.length === 20, 'every request arrives')
    for (const { peer, seq, body } of waiting.toReversed())
      peer.reply(seq, 0, (writer) => void writer.bytes(body))
    await until(scene, () => answers.every(({ heard }) => heard), 'every answer arrives')
    for (const [i, answer] of answers.entries())
      expectBytes(answer.body, Uint8Array.of(i), `the answer to request ${i}`)
  }),

  networkCase('a second answer is heard by nobody', async (scene) => {
    const { near } = await connected(scene)
    scene.farHeard.whenReceived = ({ peer, seq }) => {
      peer.reply(seq, 0)
      peer.reply(seq, 1)
    }
    const answers = [ask(near), ask(near)]
    await until(scene, () => answers.every(({ heard }) => heard), 'an answer comes')
    await pass(scene)
    for (const answer of answers)
      expectThat(answer.statuses.join() === '0', `the first alone counts, not ${said(answer)}`)
    expectThat(scene.nearHeard.messages.length === 0, 'nor does it pass for a message')
  }),

  networkCase('messages arrive once, whole and in the order they were sent', async (scene) => {
    const { near, far } = await connected(scene)
    const bodies = Array.from({ length: 200 }, (_, i) => pattern(2 + (i % 50), i))
    for (const [i, body] of bodies.entries()) {
      if (i % 3 === 0) ask(near, body)
      else say(near, body)
      say(far, body)
    }
    const { nearHeard, farHeard } = scene
    await until(scene, () => farHeard.messages.length >= 200, 'every message arrives')
    await until(scene, () => nearHeard.messages.length >= 200, 'every message arrives')
    await pass(scene)
    for (const [i, body] of bodies.entries()) {
      expectBytes(farHeard.messages[i]?.body, body, `message ${i}`)
      expectBytes(nearHeard.messages[i]?.body, body, `message ${i}, the other way`)
    }
    expectThat(farHeard.messages.length === 200, 'no message comes twice')
    const sent = nearHeard.messages.every((one) => one.seq === 0 && one.opcode === SERVICES_CHANGED)
    expectThat(sent, 'what wants no answer has seq 0, so that none is given, and its opcode')
  }),

  networkCase('more may be said from within every event', async (scene) => {
    const { nearHeard, farHeard } = scene
    const answers: Answer[] = []
    nearHeard.whenConnected = (peer) => {
      say(peer, Uint8Array.of(1))
      const first = ask(peer, Uint8Array.of(2))
      first.whenHeard = () => void answers.push(ask(peer, Uint8Array.of(3)))
      answers.push(first)
    }
    farHeard.whenConnected = (peer) => say(peer, Uint8Array.of(4))
    farHeard.whenReceived = ({ peer, seq, body }) => {
      if (seq !== 0) peer.reply(seq, 0)
      say(peer, body)
    }
    await connected(scene)
    await until(scene, () => answers.length === 2 && answers[1]?.heard === true, 'answers come')
    await until(scene, () => nearHeard.messages.length >= 4, 'what was said arrives')
    expectThat(firsts(farHeard.messages) === '1,2,3', `in order, not ${firsts(farHeard.messages)}`)
    expectThat(firsts(nearHeard.messages) === '4,1,2,3', 'in order, back too')
  }),

  networkCase('what `write` throws comes out, and nothing of it is sent', async (scene) => {
    const { near, far } = await connected(scene)
    const error = new RangeError('too much')
    const write = (): never => {
      throw error
    }
    const answers: number[] = []
    const tries = [
      () => near.send(SERVICES_CHANGED, write),
      () => near.request(FIND_NODE2, write, (status) => void answers.push(status)),
      () => far.reply(1, 0, write),
    ]
    for (const attempt of tries)
      expectThat(thrownBy(attempt) === error, 'whoever called has to know that nothing was said')
    say(near, Uint8Array.of(1))
    await until(scene, () => scene.farHeard.messages.length > 0, 'the connection goes on')
    near.retire('over')
    await until(scene, () => scene.nearHeard.ended.length > 0, 'the connection ends')
    await pass(scene)
    const [only] = scene.farHeard.messages
    expectBytes(only?.body, Uint8Array.of(1), 'nothing is left of it')
    expectThat(scene.farHeard.messages.length === 1, 'nothing of it arrives')
    expectThat(answers.length === 0, 'a request that was not sent is not answered')
  }),
]

function thrownBy(attempt: () => void): unknown {
  try {
    attempt()
    return undefined
  } catch (error) {
    return error
  }
}
