import { HandlerError, Node } from '@flatend/node'
import sqlite from 'node-sqlite3-wasm'

const port = process.env.MESH_PORT ?? 9000
const db = new sqlite.Database(process.argv[2] ?? ':memory:')
db.exec(`CREATE TABLE IF NOT EXISTS todo (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  content TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT ''
)`)

const node = await Node.start({
  addrs: [`127.0.0.1:${port}`],
  services: {
    all_todos: () => db.all('SELECT id, content, state FROM todo ORDER BY id'),

    add_todo: (ctx) => {
      const content = ctx.params.content.trim()
      if (content === '') throw new HandlerError(422, 'a to-do needs a text')
      ctx.status(201)
      return db.get('INSERT INTO todo (content) VALUES (?) RETURNING id, content, state', content)
    },

    remove_todo: (ctx) => change(ctx, 'DELETE FROM todo WHERE id = ? RETURNING id'),

    done_todo: (ctx) => change(ctx, "UPDATE todo SET state = 'done' WHERE id = ? RETURNING *"),
  },
})
console.log('todo: running. Ctrl+C stops it.')

function change(ctx, sql) {
  const todo = db.get(sql, ctx.params.id)
  if (!todo) throw new HandlerError(404, `there is no to-do ${ctx.params.id}`)
  return todo
}

const stop = async () => {
  await node.shutdown()
  db.close()
}
process.once('SIGINT', stop).once('SIGTERM', stop)
