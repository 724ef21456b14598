import { expect, test } from 'vitest'
import { curl, curlUntil, example } from '../support/example.ts'

test('counts requests, two processes share them, and stopping one fails none', async () => {
  const counter = await example('counter')
  await counter.gateway()
  const first = counter.run('index.js')
  expect(await curlUntil(200, counter.url)).toMatchObject({ body: '0' })
  expect(await curl(counter.url)).toMatchObject({ status: 200, body: '1' })
  expect(await curl(counter.url)).toMatchObject({ status: 200, body: '2' })

  const second = counter.run('index.js')
  await second.prints(/running/)
  // The second counts from 0: it is asked now and then.
  const counts: string[] = []
  while (!counts.includes('0') && counts.length < 500) counts.push((await curl(counter.url)).body)
  expect(counts).toContain('0')

  const asked = Array.from({ length: 20 }, () => curl(counter.url))
  const ended = first.stop()
  for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200)
  expect(await ended).toBe(0)
  expect(await curl(counter.url)).toMatchObject({ status: 200 })
})
