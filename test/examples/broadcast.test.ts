import { expect, test } from 'vitest'
import { example, type Running } from '../support/example.ts'

test('each line reaches everybody else, with its name and key', async () => {
  const chat = await example('broadcast')
  const ada = chat.run('index.js', 'ada')
  const [, key] = await ada.prints(/ada is ([0-9a-f]{8})/)
  const bob = chat.run('index.js', 'bob', 'join')
  await bob.prints(/bob is/)
  const eve = chat.run('index.js', 'eve', 'join')
  await eve.prints(/eve is/)
  // Bob and Eve both joined through Ada: they hear of one another a moment later.
  await meet(eve, bob)

  ada.types('hello, everybody')
  await bob.prints(new RegExp(String.raw`^ada \(${key}\): hello, everybody$`, 'm'))
  await eve.prints(new RegExp(String.raw`^ada \(${key}\): hello, everybody$`, 'm'))
  expect(ada.output).not.toContain('hello, everybody')

  bob.types('héllo \u001b[31mred 日本')
  await ada.prints(/^bob \([0-9a-f]{8}\): héllo {2}\[31mred 日本$/m)

  bob.child.stdin.end()
  expect(await bob.ended).toBe(0)
  eve.types('bob is gone')
  await ada.prints(/eve .*: bob is gone/)
})

/** Says something until it is heard. */
async function meet(one: Running, other: Running): Promise<void> {
  const again = setInterval(() => one.types('are you there?'), 100)
  await other.prints(/: are you there\?/).finally(() => clearInterval(again))
}
