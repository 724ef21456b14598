const { Node } = require('@flatend/node')
const { Database } = require('node-sqlite3-wasm')

const db = new Database(':memory:')
db.exec('CREATE TABLE todo (id INTEGER PRIMARY KEY, content TEXT, state TEXT)')

const all = async (ctx) => ctx.json(db.all('SELECT * FROM todo'))

const add = async (ctx) => {
  const content = ctx.headers['params.content']
  ctx.json(db.run('INSERT INTO todo (content, state) VALUES (?, ?)', [content, '']))
}

const remove = async (ctx) => {
  ctx.json(db.run('DELETE FROM todo WHERE id = ?', ctx.headers['params.id']))
}

const done = async (ctx) => {
  ctx.json(db.run('UPDATE todo SET state = ? WHERE id = ?', ['done', ctx.headers['params.id']]))
}

const main = async () => {
  await Node.start({
    addrs: [`127.0.0.1:${process.env.MESH_PORT || 9000}`],
    services: {
      all_todos: all,
      add_todo: add,
      remove_todo: remove,
      done_todo: done,
    },
  })
}

main().catch((err) => console.error(err))
