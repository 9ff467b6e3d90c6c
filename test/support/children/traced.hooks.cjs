// Tracing as an application sets it up, with the defaults of its packages: this file comes before the application.
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { IORedisInstrumentation } = require('@opentelemetry/instrumentation-ioredis');
const { MongoDBInstrumentation } = require('@opentelemetry/instrumentation-mongodb');
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-base');

const exporter = new InMemorySpanExporter();
registerInstrumentations({
  tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  // Without a server around it, there is no span above those of the drivers.
  instrumentations: [IORedisInstrumentation, MongoDBInstrumentation].map(
    (Instrumentation) => new Instrumentation({ requireParentSpan: false }),
  ),
});

/** What was recorded of each call, and what of its failure. */
globalThis.recordedSpans = () =>
  exporter.getFinishedSpans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
