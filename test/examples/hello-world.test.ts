import { expect, test } from 'vitest'
import { curl, curlUntil, example } from '../support/example.ts'

test('a function answers over HTTP, is missed when it is gone, and answers again', async () => {
  const hello = await example('hello-world')
  await hello.gateway()
  const url = `${hello.url}/hello`
  expect(await curl(url)).toMatchObject({ status: 503, type: 'application/problem+json' })

  const service = hello.run('index.js')
  expect(await curlUntil(200, url)).toEqual({
    status: 200,
    type: 'text/plain; charset=utf-8',
    body: 'Hello world!',
  })

  await service.stop()
  expect(await curlUntil(503, url)).toMatchObject({ status: 503 })

  hello.run('index.js')
  expect(await curlUntil(200, url)).toMatchObject({ status: 200, body: 'Hello world!' })
})

test('a service finds a gateway that starts after it', async () => {
  const hello = await example('hello-world')
  await hello.run('index.js').prints(/running/)
  await hello.gateway()
  expect(await curlUntil(200, `${hello.url}/hello`)).toMatchObject({ body: 'Hello world!' })
})
