// Reads a request a line and answers each with the other implementation's decision. Its public functions name no
// resource policy, or leave out the keys that its data don't list for an action, so its engine is called.
const { dirname, join } = require("node:path");
const { createInterface } = require("node:readline");
const { loadPolicy } = require("@cloud-copilot/iam-policy");

const inside = (name) => require(join(dirname(require.resolve("@cloud-copilot/iam-simulate")), name));
const { authorize } = inside("core_engine/CoreSimulatorEngine.js");
const { AwsRequestImpl } = inside("request/request.js");
const { RequestContextImpl } = inside("requestContext.js");
const { DiscoveryContextKeyConstraints } = inside("context_keys/discoveryContextKeyConstraints.js");

const load = (policy) => (policy ? loadPolicy(policy, { name: "policy" }) : undefined);

const decided = (given) => {
  const resource = { resource: given.resource, accountId: given.account };
  const context = new RequestContextImpl(given.context);
  return authorize({
    request: new AwsRequestImpl(given.principal, resource, given.action, context),
    identityPolicies: given.identity.map(load),
    permissionBoundaries: given.boundary ? [load(given.boundary)] : undefined,
    resourcePolicy: load(given.resource_policy),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    simulationParameters: {
      simulationMode: "Strict",
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]),
    },
    serviceSettings: { s3: {} },
  }).result;
};

createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(`${decided(JSON.parse(line))}\n`);
});
