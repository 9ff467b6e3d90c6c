import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.oplog.Oplog;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.net.InetSocketAddress;
import java.time.Clock;
import java.time.Duration;
import java.util.Collection;
import java.util.List;

/**
 * A server that speaks MongoDB's wire protocol and keeps everything in memory, for tests where no mongod is to be had.
 * Arguments: port, by how many milliseconds its wall clock is wrong, and `streams` where it shall have change streams.
 * Ends when its standard input does.
 */
public final class TestMongoServer {
  /** What the library calls itself is older than what today's drivers talk to. */
  private static final class Version implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(6, 0, 0);
    }

    @Override
    public int getWireVersion() {
      return 17;
    }
  }

  /**
   * Knows the fail point `failCommand` as mongod does: commands of some names fail, are held up, or run and are said not
   * to have reached the majority, for so many times. One more than there: what a command that is not run answers.
   */
  private static final class Backend extends MemoryBackend {
    private int times = 0;
    private Document data = new Document();

    Backend(Clock clock) {
      super(clock);
    }

    @Override
    public MemoryDatabase openOrCreateDatabase(String name) {
      return new ChangeStreams.Database(name, getCursorRegistry());
    }

    @Override
    protected Oplog createOplog() {
      ChangeStreams.running = new ChangeStreams(getCursorRegistry());
      return ChangeStreams.running;
    }

    /** With the figure of a mongod that tells how many documents were looked at. */
    @Override
    public Document getServerStatus() {
      Document status = super.getServerStatus();
      Document metrics = (Document) status.get("metrics");
      metrics.put("queryExecutor", new Document("scannedObjects", OrderedDatabase.SCANNED.get()));
      return status;
    }

    @Override
    public Document handleMessage(MongoMessage message) {
      Document command = message.getDocument();
      String name = command.keySet().iterator().next();
      if (name.equals("configureFailPoint")) return configure(command);
      Document failing = take(name);
      if (failing == null) return super.handleMessage(message);
      if (failing.containsKey("blockTimeMS")) pause(((Number) failing.get("blockTimeMS")).longValue());
      if (failing.containsKey("errorCode")) {
        Document error = new Document("ok", 0);
        error.put("code", failing.get("errorCode"));
        error.put("codeName", failing.get("errorCodeName"));
        error.put("errmsg", "failed by order");
        return error;
      }
      if (failing.containsKey("claims")) return (Document) failing.get("claims");
      Document reply = super.handleMessage(message);
      if (failing.containsKey("writeConcernError")) reply.put("writeConcernError", failing.get("writeConcernError"));
      return reply;
    }

    private synchronized Document configure(Document command) {
      Object mode = command.get("mode");
      times = mode instanceof Document ? ((Number) ((Document) mode).get("times")).intValue() : 0;
      if ("alwaysOn".equals(mode)) times = Integer.MAX_VALUE;
      data = command.containsKey("data") ? (Document) command.get("data") : new Document();
      return new Document("ok", 1);
    }

    private synchronized Document take(String name) {
      if (times == 0 || !((Collection<?>) data.get("failCommands")).contains(name)) return null;
      times--;
      return data;
    }

    private static void pause(long ms) {
      try {
        Thread.sleep(ms);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  public static void main(String[] args) throws Exception {
    long shift = args.length > 1 ? Long.parseLong(args[1]) : 0;
    Backend backend = new Backend(Clock.offset(Clock.systemDefaultZone(), Duration.ofMillis(shift)));
    backend.version(new Version());
    if (args.length > 2 && args[2].equals("streams")) backend.enableOplog();
    MongoServer server = new MongoServer(backend);
    server.bind(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])));
    System.out.println("ready");
    while (System.in.read() != -1) {}
    server.shutdownNow();
    System.exit(0);
  }
}
