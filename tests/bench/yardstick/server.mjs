// A thin application server over PostgreSQL: one HTTP call makes a contact and its event durably, in one
// transaction, and answers the contact.
//
//   node server.mjs --socket DIR --connections N --form transaction|statement --data-dir DIR --listen HOST:PORT
//
// With prepared statements: begin, two inserts and commit, or both inserts in one statement. Writes
// "api=host:port" to `endpoints` in its folder once it serves. Stops on SIGTERM.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import Fastify from 'fastify';
import pg from 'pg';

const { values: options } = parseArgs({
  options: Object.fromEntries(
    ['socket', 'connections', 'form', 'data-dir', 'listen'].map((name) => [name, { type: 'string' }])),
});
const pool = new pg.Pool({
  host: options.socket, user: 'bench', database: 'postgres', max: Number(options.connections),
});
const sql = (name) => readFileSync(new URL(name, import.meta.url), 'utf8');
const insertContact = { name: 'contact', text: sql('contact.sql') };
const insertEvent = { name: 'event', text: sql('event.sql') };
const insertBoth = { name: 'both', text: sql('both.sql') };

const contactValues = (contact) => [
  contact.source, contact.external_key, contact.kind, contact.display_name, contact.given_name,
  contact.family_name, contact.emails, contact.phones, contact.language_code, contact.region_code];

async function createInTransaction(contact) {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const { rows: [{ id }] } = await client.query({ ...insertContact, values: contactValues(contact) });
    await client.query({ ...insertEvent, values: [id, contact.request_id, JSON.stringify(contact)] });
    await client.query('commit');
    return id;
  } catch (error) {
    await client.query('rollback');
    throw error;
  } finally {
    client.release();
  }
}

async function createInStatement(contact) {
  const values = [...contactValues(contact), contact.request_id, JSON.stringify(contact)];
  const { rows: [{ contact: id }] } = await pool.query({ ...insertBoth, values });
  return id;
}

const create = options.form === 'statement' ? createInStatement : createInTransaction;
const text = { type: 'string', maxLength: 256 };
const properties = {
  request_id: text, source: text, external_key: text, kind: text, display_name: text, given_name: text,
  family_name: text, emails: { type: 'array', items: text }, phones: { type: 'array', items: text },
  language_code: text, region_code: text,
};
const schema = {
  body: {
    type: 'object', properties,
    required: ['request_id', 'source', 'external_key', 'kind', 'display_name', 'emails', 'phones'],
  },
  response: { 201: { type: 'object', properties: { id: text, ...properties } } },
};

const app = Fastify({ logger: false });
app.post('/contacts', { schema }, async (request, reply) => {
  const id = await create(request.body);
  reply.code(201);
  return { id, ...request.body };
});

const [host, port] = options.listen.split(':');
await app.listen({ host, port: Number(port) });
const endpoints = `${options['data-dir']}/endpoints`;
writeFileSync(`${endpoints}.new`, `api=${host}:${app.server.address().port}\n`);
renameSync(`${endpoints}.new`, endpoints);

process.on('SIGTERM', async () => {
  await app.close();
  await pool.end();
});
