package streams;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Load on the application: a command is acknowledged when its event can be read as committed.
 *
 * <p>Usage: Load BOOTSTRAP NAME PARTITIONS CUSTOMERS
 *
 * <p>Answers each line of stdin with a line of JSON, so that what it has compiled by then serves the
 * next measurement, too:
 *
 * <pre>
 * make                                  the customers, bench-0 and on
 * closed IN_FLIGHT WARM_UP SECONDS      a command goes out when one comes back
 * open PER_SECOND WARM_UP SECONDS       commands are due at even distances, and their time counts
 *                                       from when they were due; says "measuring" when it begins
 * </pre>
 *
 * WARM_UP commands go first and are not measured. The requests are those of tests/bench/requests.cc.
 */
public final class Load {
  // Under way at most; a power of two.
  private static final int MAX_UNDER_WAY = 1 << 20;
  private static final int MAKE_IN_FLIGHT = 1_024;
  // A prime above any number of customers: consecutive commands are spread over all of them.
  private static final long STRIDE = 2_654_435_761L;
  // What is not acknowledged so long after the last was sent counts as an error.
  private static final long PATIENCE_NS = 60_000_000_000L;
  private static final Duration POLL = Duration.ofMillis(100);
  private static final byte[] CUSTOMER = App.bytes("Bench, a person");
  // As large as what Rapport is sent.
  private static final byte[] INTERACTION =
      App.bytes(
          "PHONE INBOUND Asks when the delivery comes, for the second time. Was promised for Tuesday"
              + " and again for Thursday; nobody rang, and the parcel shop knows of nothing. Is at"
              + " home from four o'clock on and wants a call before the van comes, or the money"
              + " back.");

  private final String name;
  private final int customers;
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> consumer;
  private final List<TopicPartition> partitions = new ArrayList<>();
  // Begins the request ids, so that no run repeats another's.
  private final String run = Long.toString(System.currentTimeMillis()) + "-";
  // When the command of a number was sent or due; 0 once it is answered.
  private final AtomicLongArray begun = new AtomicLongArray(MAX_UNDER_WAY);
  private long next = 0;

  public static void main(String[] args) throws Exception {
    Load load = new Load(args[0], args[1], Integer.parseInt(args[2]), Integer.parseInt(args[3]));
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      String[] words = line.split(" ");
      System.out.println(load.answer(words));
    }
    Runtime.getRuntime().halt(0);
  }

  private Load(String bootstrap, String name, int partitionCount, int customers) {
    this.name = name;
    this.customers = customers;
    Properties settings = new Properties();
    settings.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    settings.put(ProducerConfig.ACKS_CONFIG, "all");
    settings.put(ProducerConfig.LINGER_MS_CONFIG, 0);
    producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    settings = new Properties();
    settings.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
    settings.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    settings.put(ConsumerConfig.FETCH_MAX_WAIT_MS_CONFIG, 50);
    consumer =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    for (int i = 0; i < partitionCount; ++i) {
      partitions.add(new TopicPartition(App.events(name), i));
    }
    consumer.assign(partitions);
    consumer.seekToEnd(partitions);
    for (TopicPartition partition : partitions) consumer.position(partition);
  }

  private String answer(String[] words) throws InterruptedException {
    if (words[0].equals("make")) return new Phase(true, MAKE_IN_FLIGHT, 0, customers, 0).run();
    int load = Integer.parseInt(words[1]);
    int warmUp = Integer.parseInt(words[2]);
    int seconds = Integer.parseInt(words[3]);
    boolean open = words[0].equals("open");
    int inFlight = open ? MAX_UNDER_WAY : load;
    int perSecond = open ? load : 0;
    new Phase(false, inFlight, perSecond, warmUp, 0).run();
    if (open) System.out.println("measuring");
    return new Phase(false, inFlight, perSecond, Long.MAX_VALUE, seconds).run();
  }

  /** Sends until so many commands or seconds are over, and awaits the answers. */
  private final class Phase {
    private final boolean making;
    private final int inFlight;
    private final int perSecond;
    private final long first = next;
    private final long end;
    private final long start = System.nanoTime();
    private final long stop;
    private final AtomicLong sent = new AtomicLong(first);
    private long answered = 0;
    private long wrong = 0;
    private long last = start;
    private long[] latencies = new long[1 << 16];
    private final long[] latest = new long[partitions.size()];
    // The longest that a partition acknowledged nothing: from when, until when.
    private final long[] gapBegan = new long[partitions.size()];
    private final long[] gapEnded = new long[partitions.size()];

    Phase(boolean making, int inFlight, int perSecond, long count, int seconds) {
      this.making = making;
      this.inFlight = inFlight;
      this.perSecond = perSecond;
      this.end = count == Long.MAX_VALUE ? count : first + count;
      this.stop = seconds == 0 ? Long.MAX_VALUE : start + seconds * 1_000_000_000L;
      Arrays.fill(latest, start);
    }

    String run() throws InterruptedException {
      Thread sender = null;
      if (perSecond > 0) {
        sender = new Thread(this::sendAtRate);
        sender.start();
      } else {
        for (int i = 0; i < inFlight; ++i) sendNext(System.nanoTime());
      }
      long waitedSince = System.nanoTime();
      while (sender != null && sender.isAlive() || answered < sent.get() - first) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
          waitedSince = System.nanoTime();
          take(record, waitedSince);
        }
        if (System.nanoTime() - waitedSince > PATIENCE_NS) break;
      }
      if (sender != null) sender.join();
      next = sent.get();
      return report();
    }

    private void sendAtRate() {
      for (long n = first; n < end; ++n) {
        long due = start + (long) ((n - first) * 1e9 / perSecond);
        if (due >= stop) return;
        for (long now = System.nanoTime(); now < due; now = System.nanoTime()) {
          LockSupport.parkNanos(due - now);
        }
        send(n, due);
      }
    }

    private void sendNext(long now) {
      long n = sent.get();
      if (now < stop && n < end) send(n, now);
    }

    private void send(long n, long begin) {
      begun.set((int) (n & (MAX_UNDER_WAY - 1)), begin);
      sent.set(n + 1);
      long customer = making ? n - first : Long.remainderUnsigned(n * STRIDE, customers);
      byte[] requestId = App.bytes(run + n);
      byte[] row = making ? CUSTOMER : INTERACTION;
      byte[] command =
          ByteBuffer.allocate(2 + requestId.length + row.length)
              .put(making ? App.MAKE_CUSTOMER : App.LOG_INTERACTION)
              .put((byte) requestId.length)
              .put(requestId)
              .put(row)
              .array();
      byte[] key = App.bytes("customers/bench-" + customer);
      producer.send(new ProducerRecord<>(App.commands(name), key, command));
    }

    private void take(ConsumerRecord<byte[], byte[]> record, long now) {
      byte[] value = record.value();
      String requestId = new String(value, 2, value[1], StandardCharsets.US_ASCII);
      if (!requestId.startsWith(run)) return;
      long n = Long.parseLong(requestId.substring(run.length()));
      long begin = begun.getAndSet((int) (n & (MAX_UNDER_WAY - 1)), 0);
      // Answered twice, or in time for nobody.
      if (begin == 0 || n < first) {
        ++wrong;
        return;
      }
      if (value[0] != App.DONE) ++wrong;
      if (answered == latencies.length) latencies = Arrays.copyOf(latencies, 2 * latencies.length);
      latencies[(int) answered++] = now - begin;
      last = now;
      noteGap(record.partition(), now);
      if (perSecond == 0) sendNext(now);
    }

    private void noteGap(int partition, long now) {
      if (now - latest[partition] > gapEnded[partition] - gapBegan[partition]) {
        gapBegan[partition] = latest[partition];
        gapEnded[partition] = now;
      }
      latest[partition] = now;
    }

    // A partition that has not come back is silent until now.
    private String gaps() {
      long now = System.nanoTime();
      StringBuilder gaps = new StringBuilder();
      for (int i = 0; i < latest.length; ++i) {
        noteGap(i, now);
        String form = i == 0 ? "[%.3f,%.3f]" : ",[%.3f,%.3f]";
        gaps.append(String.format(Locale.ROOT, form, gapBegan[i] / 1e9, gapEnded[i] / 1e9));
      }
      return gaps.toString();
    }

    private String report() {
      long errors = wrong + sent.get() - first - answered;
      long[] sorted = Arrays.copyOf(latencies, (int) answered);
      Arrays.sort(sorted);
      return String.format(
          Locale.ROOT,
          "{\"calls\":%d,\"errors\":%d,\"callsPerSecond\":%.1f,\"p50Ms\":%.3f,\"p90Ms\":%.3f,"
              + "\"p99Ms\":%.3f,\"maxMs\":%.3f,\"gaps\":[%s]}",
          answered,
          errors,
          answered * 1e9 / Math.max(1, last - start),
          percentile(sorted, 0.5),
          percentile(sorted, 0.9),
          percentile(sorted, 0.99),
          percentile(sorted, 1),
          gaps());
    }

    private double percentile(long[] sorted, double share) {
      return sorted.length == 0 ? 0 : sorted[(int) (share * (sorted.length - 1))] / 1e6;
    }
  }
}
