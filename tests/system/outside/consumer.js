// An outside consumer of Rapport's events, which knows nothing but proto/PROTOCOL.md and the protos.
//
// Appends every fact that counts to FILE, a line of JSON each. A line is the effect and the position in
// one: started again on the same file, it goes on behind what is there, even after a kill -9.
//
// Usage: node consumer.js BOOTSTRAP TOPIC_PREFIX DESCRIPTOR_SET FILE [--once]
// With --once it ends where the topics ended when it started.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const { Kafka, logLevel } = require('kafkajs');
const protobuf = require('protobufjs');
const { FileDescriptorSet } = require('protobufjs/ext/descriptor');

const SERVICES = ['accounts', 'sales', 'service', 'marketing'];
const TOPICS = SERVICES.flatMap((service) => [`rapport.${service}`, `rapport.${service}.reference`]);
const CLAIMED = 'rapport.log.v1.Claimed';
// What this consumer is after, beside that something happened: a field of the resource in a fact.
const TEXTS = {
  'rapport.accounts.v1.CustomerCreated': ['customer', 'display_name'],
  'rapport.service.v1.InteractionLogged': ['interaction', 'summary'],
  'rapport.sales.v1.ActivityPlanned': ['activity', 'subject'],
  'rapport.sales.v1.ProductCreated': ['product', 'display_name'],
};

// How far a partition was read, and the rule that says which of its records count.
class Position {
  constructor() {
    this.next = 0;
    this.claim = { id: '', offset: -1 };
    this.number = 0;
  }

  goOnBehind(fact) {
    this.next = fact.offset + 1;
    this.claim = { id: fact.claimid, offset: fact.claimoffset };
    this.number = fact.number;
  }

  admit(offset, headers) {
    if (offset !== this.next) {
      throw new Error(`offset ${this.next} is missing, ${offset} came: the topic lost records`);
    }
    this.next += 1;
    if (headers.ce_type === CLAIMED) {
      this.claim = { id: headers.ce_claimid, offset };
      this.number = 0;
      return true;
    }
    const current =
      headers.ce_claimid === this.claim.id && Number(headers.ce_claimoffset) === this.claim.offset;
    if (!current || Number(headers.ce_number) !== this.number + 1) return false;
    this.number += 1;
    return true;
  }
}

// Of each root in each topic, gapless from 1: nothing was missed.
class Sequences {
  constructor() {
    this.last = new Map();
  }

  see(fact) {
    const root = `${fact.topic} ${fact.root}`;
    const last = this.last.get(root) ?? 0;
    if (fact.sequence !== last + 1) throw new Error(`${root}: ${fact.sequence} follows ${last}`);
    this.last.set(root, fact.sequence);
  }
}

// Which fact it is, and its text. A fact that is newer than our protos has neither.
function decode(root, headers, value) {
  let schema;
  try {
    schema = root.lookupType(headers.ce_dataschema);
  } catch {
    return { fact: null, text: null };
  }
  const event = schema.decode(value);
  const fact = event.event ?? null;
  const [resource, field] = TEXTS[headers.ce_type] ?? [];
  return { fact, text: resource ? event[fact][resource][field] : null };
}

// What the file has; a line that a crash cut short is taken away.
function earlierFacts(file) {
  const lines = fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
  const whole = lines.subarray(0, lines.lastIndexOf('\n') + 1);
  fs.writeFileSync(file, whole);
  return whole.toString().split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

async function main(bootstrap, prefix, descriptorSet, file, flag) {
  const once = flag === '--once';
  const root = protobuf.Root.fromDescriptor(FileDescriptorSet.decode(fs.readFileSync(descriptorSet)));
  const kafka = new Kafka({ brokers: bootstrap.split(','), logLevel: logLevel.ERROR });
  const admin = kafka.admin();
  await admin.connect();
  const known = await admin.listTopics();
  const topics = TOPICS.map((topic) => prefix + topic).filter((topic) => known.includes(topic));
  const positions = new Map();
  const ends = new Map();
  for (const topic of topics) {
    for (const { partition, high } of await admin.fetchTopicOffsets(topic)) {
      positions.set(`${topic}/${partition}`, new Position());
      ends.set(`${topic}/${partition}`, Number(high));
    }
  }
  await admin.disconnect();
  const sequences = new Sequences();
  for (const fact of earlierFacts(file)) {
    positions.get(`${fact.topic}/${fact.partition}`).goOnBehind(fact);
    sequences.see(fact);
  }

  const out = fs.openSync(file, 'a');
  const take = (topic, partition, message) => {
    const position = positions.get(`${topic}/${partition}`);
    const offset = Number(message.offset);
    // kafkajs begins at the beginning, and may have fetched from there before it was sent elsewhere.
    if (offset < position.next) return;
    const headers = Object.fromEntries(
      Object.entries(message.headers).map(([name, text]) => [name, text.toString()]),
    );
    // Every record is held against the rule; facts are those that have a sequence.
    if (!position.admit(offset, headers) || headers.ce_sequence === undefined) return;
    const fact = {
      topic, partition, offset,
      claimid: position.claim.id, claimoffset: position.claim.offset, number: position.number,
      root: message.key.toString(), sequence: Number(headers.ce_sequence),
      type: headers.ce_type, id: headers.ce_id, subject: headers.ce_subject,
      requestid: headers.ce_requestid, ...decode(root, headers, message.value),
    };
    sequences.see(fact);
    fs.writeSync(out, `${JSON.stringify(fact)}\n`);
  };

  // A group of its own and no commits: the position is in the file.
  const consumer = kafka.consumer({ groupId: `outside-node-${crypto.randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  const thereAtLast = () => [...ends].every(([where, end]) => positions.get(where).next >= end);
  await new Promise((resolve, reject) => {
    const eachMessage = async ({ topic, partition, message }) => {
      try {
        take(topic, partition, message);
      } catch (why) {
        fail(why); // kafkajs would try the same record again
      }
      if (once && thereAtLast()) resolve();
    };
    consumer.run({ autoCommit: false, eachMessage }).then(() => {
      for (const [where, position] of positions) {
        const [topic, partition] = where.split('/');
        consumer.seek({ topic, partition: Number(partition), offset: String(position.next) });
      }
      if (once && thereAtLast()) resolve();
    }, reject);
  });
  await consumer.disconnect();
}

function fail(why) {
  console.error(why);
  process.exit(1);
}

main(...process.argv.slice(2)).catch(fail);
