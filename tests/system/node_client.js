// A stock Node client, straight from the protos: creates a customer with an interaction, reads it
// and its view, asks for somebody unknown, and prints what it saw as one JSON document.
// Usage: node node_client.js PROTO_DIR GOOGLEAPIS_DIR ADDRESS CUSTOMER_ID
'use strict';

const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const [protos, googleapis, address, customerId] = process.argv.slice(2);
const files = ['accounts/v1/accounts_service', 'service/v1/service_service', 'gateway/v1/gateway_service'];
const loaded = loader.loadSync(files.map((file) => `rapport/${file}.proto`), {
  includeDirs: [protos, googleapis],
  enums: String,
  longs: String,
});
const { rapport } = grpc.loadPackageDefinition(loaded);
const credentials = grpc.credentials.createInsecure();

function ask(client, method, request) {
  const deadline = new Date(Date.now() + 30000);
  return new Promise((resolve, reject) => {
    client[method](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

async function main() {
  const accounts = new rapport.accounts.v1.Accounts(address, credentials);
  const service = new rapport.service.v1.Service(address, credentials);
  const gateway = new rapport.gateway.v1.Gateway(address, credentials);
  const { name } = await ask(accounts, 'CreateCustomer', {
    customerId,
    customer: { displayName: 'Aisha Khan', kind: 'PERSON' },
  });
  await ask(service, 'CreateInteraction', {
    parent: name,
    interaction: { channel: 'WEB', direction: 'INBOUND', summary: '入伙 asked' },
  });
  const customer = await ask(accounts, 'GetCustomer', { name });
  const view = await ask(gateway, 'GetCustomerView', { name });
  const unknown = await ask(accounts, 'GetCustomer', { name: 'customers/nobody' }).then(
    () => 'found',
    (error) => grpc.status[error.code],
  );
  console.log(JSON.stringify({ customer, view, unknown }));
  [accounts, service, gateway].forEach((client) => client.close());
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
