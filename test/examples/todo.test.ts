import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { curl, curlUntil, example } from '../support/example.ts'
import { temporaryFolder } from '../support/gateway.ts'

/** The way the configuration of 2020 named its listener: every interface. */
const as2020 = (config: string) => config.replace('"127.0.0.1:3000"', '":3000"')

test.for([
  ['the configuration as it is', (config: string) => config],
  ['the configuration of 2020', as2020],
] as const)('adds, completes and removes, with %s', async ([, edit]) => {
  const todo = await example('todo')
  await todo.gateway(edit)
  todo.run('index.js')
  const list = async () => JSON.parse((await curl(`${todo.url}/todos`)).body) as unknown

  expect(await curlUntil(200, `${todo.url}/todos`)).toMatchObject({
    type: 'application/json',
    body: '[]',
  })
  const milk = { id: 1, content: 'buy milk', state: '' }
  const added = await curl(`${todo.url}/todos/add/buy%20milk`)
  expect(added.status).toBe(201)
  expect(JSON.parse(added.body)).toEqual(milk)

  await curl(`${todo.url}/todos/add/sleep`)
  expect(await curl(`${todo.url}/todos/done/1`)).toMatchObject({ status: 200 })
  expect(await list()).toEqual([
    { ...milk, state: 'done' },
    { id: 2, content: 'sleep', state: '' },
  ])
  expect(await curl(`${todo.url}/todos/remove/1`)).toMatchObject({ status: 200 })
  expect(await list()).toEqual([{ id: 2, content: 'sleep', state: '' }])

  const missing = await curl(`${todo.url}/todos/done/1`)
  expect(missing).toMatchObject({ status: 404, type: 'application/problem+json' })
  expect(missing.body).toContain('there is no to-do 1')
})

test('keeps any text as it is: markup, quotes, slashes, other scripts, long', async () => {
  const todo = await example('todo')
  await todo.gateway()
  await todo.run('index.js').prints(/running/)
  const texts = [
    '<img src=x onerror="alert(1)">',
    "'); DROP TABLE todo; --",
    'a/b?c=d&e#f%20g',
    '牛乳を買う 🥛',
    'x'.repeat(500),
  ]
  for (const text of texts) {
    const { status } = await curl(`${todo.url}/todos/add/${encodeURIComponent(text)}`)
    expect(status).toBe(201)
  }
  expect(await curl(`${todo.url}/todos/add/%20`)).toMatchObject({ status: 422 })
  const todos = JSON.parse((await curl(`${todo.url}/todos`)).body) as { content: string }[]
  expect(todos.map(({ content }) => content)).toEqual(texts)
})

test('serves the page and everything it loads, from here alone', async () => {
  const todo = await example('todo')
  await todo.gateway()
  const types = { 'index.html': 'text/html', 'main.js': 'text/javascript', 'style.css': 'text/css' }
  for (const [name, type] of Object.entries(types)) {
    const file = readFileSync(join(todo.folder, 'public', name), 'utf8')
    const answer = await curl(`${todo.url}/${name === 'index.html' ? '' : name}`)
    expect(answer).toMatchObject({ status: 200, body: file })
    expect(answer.type).toContain(type)
    expect(file).not.toMatch(/https?:\/\//)
  }
  expect((await curl(todo.url)).body).toContain(`content="default-src 'self'"`)
  expect((await curl(`${todo.url}/main.js`)).body).not.toMatch(
    /innerHTML|outerHTML|insertAdjacentHTML|\bwrite\(/,
  )
  expect(await curl(`${todo.url}/icon.svg`)).toMatchObject({ status: 200, type: 'image/svg+xml' })
})

test('keeps the list in a file, where one is named', async () => {
  const todo = await example('todo')
  const file = join(temporaryFolder(), 'todo.db')
  await todo.gateway()
  const service = todo.run('index.js', file)
  await service.prints(/running/)
  await curl(`${todo.url}/todos/add/remember`)
  expect(await service.stop()).toBe(0)
  todo.run('index.js', file)
  const { body } = await curlUntil(200, `${todo.url}/todos`)
  expect(JSON.parse(body)).toEqual([{ id: 1, content: 'remember', state: '' }])
})
