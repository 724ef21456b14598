import { expect, test } from 'vitest'
import { example } from '../support/example.ts'

test('two clocks ask each other the time; a third is asked too', async () => {
  const clock = await example('clock')
  const first = clock.run('index.js')
  await first.prints(new RegExp(`running at 127.0.0.1:${clock.meshPort}`))
  const second = clock.run('index.js', 'join')
  const [, address] = await second.prints(/running at (127\.0\.0\.1:\d+)/)
  const time = String.raw`\d\d:\d\d:\d\d\.\d{3}`

  await first.prints(new RegExp(`${address} says it is ${time}`))
  await first.prints(new RegExp(`asked at ${time}, answered ${time}`))
  await second.prints(new RegExp(`127.0.0.1:${clock.meshPort} says it is ${time}`))
  await second.prints(new RegExp(`asked at ${time}, answered ${time}`))

  const third = clock.run('index.js', 'join')
  await third.prints(new RegExp(`127.0.0.1:${clock.meshPort} says it is ${time}`))
  await third.prints(new RegExp(`${address} says it is ${time}`))
  expect(first.output + second.output + third.output).not.toContain('did not say')
})

test('a clock that joins first waits for the one to join', async () => {
  const clock = await example('clock')
  const second = clock.run('index.js', 'join')
  await second.prints(/running/)
  clock.run('index.js')
  const [, address] = await second.prints(/(\S+) says it is/)
  expect(address).toBe(`127.0.0.1:${clock.meshPort}`)
})
