package streams;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The command path as a Kafka Streams application, tuned for latency.
 *
 * <p>Usage: App BOOTSTRAP NAME FOLDER PARTITIONS REPLICAS THREADS STANDBYS SESSION_MS
 *
 * <p>NAME is the application's id and begins its topics: NAME-commands and NAME-events. Says
 * "ready" on stdout when it runs, and serves until SIGTERM.
 *
 * <p>A command is: kind (0 makes the customer, 1 logs an interaction), the request id's length, the
 * request id, the row. Its key is the customer. An event is: outcome, the request id's length, the
 * request id, the customer's sequence, the row.
 */
public final class App {
  static final byte MAKE_CUSTOMER = 0;
  static final byte LOG_INTERACTION = 1;
  static final byte DONE = 0;
  static final byte REPEATED = 1;
  static final byte REFUSED = 2;
  private static final String ROWS = "rows";
  // An owner that died leaves an open transaction, behind which readers wait for so long. Shorter
  // than a session, after which somebody else takes over, it costs nothing.
  private static final int TRANSACTION_TIMEOUT_MS = 2_000;
  private static final int HEARTBEAT_MS = 500;
  // A transaction that begins while the one before is being completed is refused, and tried again so
  // much later; otherwise 100 ms. The brokers of tools/kafka do likewise.
  private static final int RETRY_MS = 1;
  private static final Duration CLOSE = Duration.ofSeconds(10);

  public static void main(String[] args) throws Exception {
    String bootstrap = args[0];
    String name = args[1];
    int partitions = Integer.parseInt(args[3]);
    short replicas = Short.parseShort(args[4]);
    makeTopics(bootstrap, List.of(commands(name), events(name)), partitions, replicas);

    Properties settings = new Properties();
    settings.put(StreamsConfig.APPLICATION_ID_CONFIG, name);
    settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    settings.put(StreamsConfig.STATE_DIR_CONFIG, Path.of(args[2]).toAbsolutePath().toString());
    settings.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, (int) replicas);
    settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, Integer.parseInt(args[5]));
    settings.put(StreamsConfig.NUM_STANDBY_REPLICAS_CONFIG, Integer.parseInt(args[6]));
    settings.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    settings.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 1);
    settings.put(StreamsConfig.POLL_MS_CONFIG, 1);
    settings.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, Integer.parseInt(args[7]));
    settings.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, HEARTBEAT_MS);
    settings.put(ProducerConfig.TRANSACTION_TIMEOUT_CONFIG, TRANSACTION_TIMEOUT_MS);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 0);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.RETRY_BACKOFF_MS_CONFIG), RETRY_MS);
    settings.put(StreamsConfig.producerPrefix(ProducerConfig.RETRY_BACKOFF_MAX_MS_CONFIG), RETRY_MS);

    KafkaStreams streams = new KafkaStreams(topology(name), settings);
    streams.setStateListener(
        (now, before) -> {
          if (now == KafkaStreams.State.RUNNING) System.out.println("ready");
          if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
        });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(CLOSE)));
    streams.start();
  }

  static String commands(String name) {
    return name + "-commands";
  }

  static String events(String name) {
    return name + "-events";
  }

  // One store, and so one changelog: each more would be another partition in every transaction.
  private static Topology topology(String name) {
    var bytes = Serdes.ByteArray();
    return new Topology()
        .addSource("commands", bytes.deserializer(), bytes.deserializer(), commands(name))
        .addProcessor("decide", Decide::new, "commands")
        .addStateStore(
            Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(ROWS), Serdes.Bytes(), Serdes.ByteArray())
                .withCachingDisabled()
                .withLoggingEnabled(Map.of()),
            "decide")
        .addSink("events", events(name), bytes.serializer(), bytes.serializer(), "decide");
  }

  private static void makeTopics(
      String bootstrap, List<String> names, int partitions, short replicas) throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap);
    try (Admin admin = Admin.create(settings)) {
      for (String name : names) {
        try {
          admin.createTopics(List.of(new NewTopic(name, partitions, replicas))).all().get();
        } catch (ExecutionException failed) {
          // Another instance starts at the same time.
          if (!(failed.getCause() instanceof TopicExistsException)) throw failed;
        }
      }
    }
  }

  /** Looks up request id and customer, writes three rows and the event. */
  private static final class Decide implements Processor<byte[], byte[], byte[], byte[]> {
    private ProcessorContext<byte[], byte[]> context;
    private KeyValueStore<Bytes, byte[]> rows;

    @Override
    public void init(ProcessorContext<byte[], byte[]> context) {
      this.context = context;
      this.rows = context.getStateStore(ROWS);
    }

    @Override
    public void process(Record<byte[], byte[]> record) {
      ByteBuffer command = ByteBuffer.wrap(record.value());
      byte kind = command.get();
      byte[] requestId = new byte[command.get()];
      command.get(requestId);
      byte[] row = new byte[command.remaining()];
      command.get(row);

      byte[] customer = record.key();
      Bytes requestKey = key('r', customer, requestId);
      byte[] answered = rows.get(requestKey);
      if (answered != null) {
        answer(record, REPEATED, requestId, ByteBuffer.wrap(answered).getLong(), row);
        return;
      }
      Bytes customerKey = key('c', customer, new byte[0]);
      byte[] present = rows.get(customerKey);
      if ((present == null) == (kind == LOG_INTERACTION)) {
        answer(record, REFUSED, requestId, 0, row);
        return;
      }
      long sequence = present == null ? 1 : ByteBuffer.wrap(present).getLong() + 1;
      byte[] sequenceBytes = ByteBuffer.allocate(Long.BYTES).putLong(sequence).array();
      if (present == null) {
        rows.put(customerKey, concatenate(sequenceBytes, row));
      } else {
        ByteBuffer.wrap(present).putLong(sequence);
        rows.put(customerKey, present);
        rows.put(key('i', customer, sequenceBytes), row);
      }
      rows.put(requestKey, sequenceBytes);
      answer(record, DONE, requestId, sequence, row);
    }

    private void answer(
        Record<byte[], byte[]> command, byte outcome, byte[] requestId, long sequence, byte[] row) {
      byte[] event =
          ByteBuffer.allocate(2 + requestId.length + Long.BYTES + row.length)
              .put(outcome)
              .put((byte) requestId.length)
              .put(requestId)
              .putLong(sequence)
              .put(row)
              .array();
      context.forward(command.withValue(event));
    }

    // All rows of one customer and table lie side by side.
    private static Bytes key(char table, byte[] customer, byte[] rest) {
      ByteBuffer key = ByteBuffer.allocate(2 + customer.length + rest.length);
      return Bytes.wrap(key.put((byte) table).put(customer).put((byte) 0).put(rest).array());
    }

    private static byte[] concatenate(byte[] first, byte[] second) {
      return ByteBuffer.allocate(first.length + second.length).put(first).put(second).array();
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private App() {}
}
