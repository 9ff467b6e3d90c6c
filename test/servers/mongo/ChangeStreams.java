import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.AbstractCursor;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.Cursor;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.aggregation.Aggregation;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.oplog.Oplog;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Change streams as a replica set has them: every change of a document, in its order, with the fields that have other
 * contents. The library's own know neither findAndModify nor which document was updated. An answer is not held back until
 * something happens, and no stream is resumed.
 */
final class ChangeStreams implements Oplog {
  /** One server to a process. Null: a server that is no member of a set. */
  static volatile ChangeStreams running;

  private static final int KEPT = 200_000;
  private static final int BATCH = 1_000;
  private static final int HISTORY_LOST = 286;

  /** What happened, and its number. */
  private static final class Event {
    private final long number;
    private final String namespace;
    private final Document document;

    Event(long number, String namespace, Document document) {
      this.number = number;
      this.namespace = namespace;
      this.document = document;
    }
  }

  private final CursorRegistry cursors;
  private final Deque<Event> events = new ArrayDeque<>();
  private long count = 0;

  ChangeStreams(CursorRegistry cursors) {
    this.cursors = cursors;
  }

  private synchronized void happened(String namespace, String type, Object id, Document more) {
    Document event = new Document("_id", new Document("_data", String.format("%016x", ++count)));
    event.put("operationType", type);
    if (id != null) event.put("documentKey", new Document("_id", id));
    event.putAll(more);
    events.add(new Event(count, namespace, event));
    if (events.size() > KEPT) events.remove();
  }

  private synchronized List<Event> after(long number, String namespace) {
    if (count > number && events.peek().number > number + 1) {
      throw new MongoServerError(HISTORY_LOST, "ChangeStreamHistoryLost", "the stream may no longer be in the oplog");
    }
    List<Event> found = new ArrayList<>();
    for (var backwards = events.descendingIterator(); backwards.hasNext(); ) {
      Event event = backwards.next();
      if (event.number <= number) break;
      if (event.namespace.equals(namespace)) found.add(event);
    }
    Collections.reverse(found);
    return found.subList(0, Math.min(found.size(), BATCH));
  }

  @Override
  public Cursor createCursor(Document options, String namespace, Aggregation aggregation) {
    Cursor cursor = new Stream(cursors.generateCursorId(), namespace, aggregation, count);
    cursors.add(cursor);
    return cursor;
  }

  private final class Stream extends AbstractCursor {
    private final String namespace;
    private final Aggregation aggregation;
    private long seen;
    private boolean isOver = false;

    Stream(long id, String namespace, Aggregation aggregation, long seen) {
      super(id);
      this.namespace = namespace;
      this.aggregation = aggregation;
      this.seen = seen;
    }

    @Override
    public boolean isEmpty() {
      return isOver;
    }

    @Override
    public synchronized List<Document> takeDocuments(int most) {
      List<Event> found = after(seen, namespace);
      for (Event event : found) {
        seen = event.number;
        isOver = isOver || "invalidate".equals(event.document.get("operationType"));
      }
      return aggregation
          .runStagesAsStream(found.stream().map(event -> event.document.cloneDeeply()))
          .collect(Collectors.toList());
    }
  }

  /** The fields of the one that the other has not, or not so: by their paths, and whole where there was nothing. */
  private static void compare(String path, Document before, Document after, Document updated, List<String> removed) {
    for (String name : after.keySet()) {
      Object was = before.get(name);
      Object is = after.get(name);
      if (was instanceof Document && is instanceof Document) {
        compare(path + name + ".", (Document) was, (Document) is, updated, removed);
      } else if (!before.containsKey(name) || !Objects.deepEquals(was, is)) {
        updated.put(path + name, is);
      }
    }
    for (String name : before.keySet()) if (!after.containsKey(name)) removed.add(path + name);
  }

  /** Tells of whatever happens to its documents, by whichever command. */
  static class Collection extends OrderedDatabase.Ordered {
    Collection(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
      super(database, name, options, cursors);
    }

    @Override
    protected Integer addDocumentInternal(Document document) {
      Document full = new Document("fullDocument", document.cloneDeeply());
      if (running != null) running.happened(getFullName(), "insert", document.get("_id"), full);
      return super.addDocumentInternal(document);
    }

    @Override
    protected void handleUpdate(Integer position, Document before, Document after) {
      super.handleUpdate(position, before, after);
      if (running == null) return;
      Document updated = new Document();
      List<String> removed = new ArrayList<>();
      compare("", before, after, updated, removed);
      Document description = new Document("updatedFields", updated.cloneDeeply());
      description.put("removedFields", removed);
      description.put("truncatedArrays", List.of());
      running.happened(getFullName(), "update", after.get("_id"), new Document("updateDescription", description));
    }

    @Override
    protected void removeDocument(Integer position) {
      Object id = getDocument(position).get("_id");
      super.removeDocument(position);
      if (running != null) running.happened(getFullName(), "delete", id, new Document());
    }
  }

  static final class Database extends OrderedDatabase {
    Database(String name, CursorRegistry cursors) {
      super(name, cursors);
    }

    @Override
    protected MemoryCollection openOrCreateCollection(String name, CollectionOptions options) {
      return new Collection(this, name, options, cursorRegistry);
    }
  }

  @Override
  public void handleDropCollection(String namespace) {
    happened(namespace, "drop", null, new Document());
    happened(namespace, "invalidate", null, new Document());
  }

  /** The collection has told of these. */
  @Override
  public void handleInsert(String namespace, List<Document> documents) {}

  @Override
  public void handleUpdate(String namespace, Document selector, Document query, List<Object> modifiedIds) {}

  @Override
  public void handleDelete(String namespace, Document query, List<Object> deletedIds) {}
}
