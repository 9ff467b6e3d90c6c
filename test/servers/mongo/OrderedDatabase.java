import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.DatabaseResolver;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.oplog.Oplog;
import io.netty.channel.Channel;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * A database whose collections keep texts under `_id` in their order, as a mongod does. The library looks through a whole
 * collection as soon as a query has a condition beside `_id`, or a range of it; here `_id` chooses the documents, and every
 * condition is still asked of each of them. The answers are the same, and fewer documents are looked at.
 */
class OrderedDatabase extends MemoryDatabase {
  /** Documents that queries were compared with, in all databases: what a mongod calls scannedObjects. */
  static final AtomicLong SCANNED = new AtomicLong();

  private static final Set<String> MADE_WITH =
      Set.of("collation", "capped", "size", "timeseries", "viewOn", "pipeline");

  private final Map<String, Document> madeWith = new ConcurrentHashMap<>();

  OrderedDatabase(String name, CursorRegistry cursors) {
    super(name, cursors);
  }

  /**
   * What collections were made with is told by listCollections, which the library leaves out. Nothing else comes of it: a
   * cache refuses such collections before it uses them.
   */
  @Override
  public Document handleCommand(
      Channel channel, String command, Document query, DatabaseResolver databases, Oplog oplog) {
    if (command.equalsIgnoreCase("create")) {
      Document options = new Document();
      for (String option : MADE_WITH) {
        if (query.containsKey(option)) options.put(option, query.remove(option));
      }
      madeWith.put((String) query.get(command), options);
    }
    if (command.equalsIgnoreCase("drop")) madeWith.remove((String) query.get(command));
    Document reply = super.handleCommand(channel, command, query, databases, oplog);
    if (command.equalsIgnoreCase("listCollections")) {
      for (Object each : (Collection<?>) ((Document) reply.get("cursor")).get("firstBatch")) {
        Document found = (Document) each;
        found.put("options", madeWith.getOrDefault((String) found.get("name"), new Document()));
      }
    }
    return reply;
  }

  @Override
  protected MemoryCollection openOrCreateCollection(String name, CollectionOptions options) {
    return new Ordered(this, name, options, cursorRegistry);
  }

  /** One of its collections. */
  static class Ordered extends MemoryCollection {
    private static final String ID = "_id";
    private static final Set<String> RANGE = Set.of("$gt", "$gte", "$lt", "$lte");

    /** Texts only, and compared as the library compares them. Counting does not hold the lock of the collection. */
    private final NavigableMap<String, Integer> positions = new ConcurrentSkipListMap<>();

    Ordered(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
      super(database, name, options, cursors);
    }

    /** While an index is added nobody else goes through them, as changes do. */
    @Override
    public synchronized void addIndex(Index<Integer> index) {
      super.addIndex(index);
    }

    @Override
    protected QueryResult queryDocuments(
        Document query, Document order, int skip, int limit, int batchSize, Document fields) {
      Collection<Integer> chosen = order != null && order.containsKey("$natural") ? null : choose(query.get(ID));
      if (chosen == null) return super.queryDocuments(query, order, skip, limit, batchSize, fields);
      // They come in the order of their names, so there is nothing to sort, and a limit ends the search.
      Document left = order != null && order.size() == 1 && Integer.valueOf(1).equals(order.get(ID)) ? null : order;
      return matchDocuments(query, chosen, left, skip, limit, batchSize, fields);
    }

    /** At least the documents that such a condition on `_id` can be true of, in their order; null when it does not tell. */
    private Collection<Integer> choose(Object condition) {
      if (condition instanceof String) return at(List.of(condition));
      if (!(condition instanceof Document)) return null;
      Document operators = (Document) condition;
      if (operators.get("$eq") instanceof String) return at(List.of(operators.get("$eq")));
      if (operators.get("$in") instanceof Collection) {
        Collection<?> names = (Collection<?>) operators.get("$in");
        return names.stream().allMatch(String.class::isInstance) ? at(names) : null;
      }
      return between(operators);
    }

    private Collection<Integer> between(Document operators) {
      String from = null;
      String to = null;
      for (Map.Entry<String, Object> bound : operators.entrySet()) {
        String operator = bound.getKey();
        if (!RANGE.contains(operator) || !(bound.getValue() instanceof String)) return null;
        String name = (String) bound.getValue();
        if (operator.startsWith("$g")) from = from == null || name.compareTo(from) > 0 ? name : from;
        else to = to == null || name.compareTo(to) < 0 ? name : to;
      }
      if (from == null && to == null) return null;
      if (from == null) return positions.headMap(to, true).values();
      if (to == null) return positions.tailMap(from, true).values();
      return from.compareTo(to) > 0 ? List.of() : positions.subMap(from, true, to, true).values();
    }

    private List<Integer> at(Collection<?> names) {
      return names.stream()
          .map(String.class::cast)
          .collect(Collectors.toCollection(TreeSet::new))
          .stream()
          .map(positions::get)
          .filter(Objects::nonNull)
          .collect(Collectors.toList());
    }

    @Override
    protected boolean documentMatchesQuery(Document document, Document query) {
      SCANNED.incrementAndGet();
      return super.documentMatchesQuery(document, query);
    }

    @Override
    protected Integer addDocumentInternal(Document document) {
      Integer position = super.addDocumentInternal(document);
      if (document.get(ID) instanceof String) positions.put((String) document.get(ID), position);
      return position;
    }

    @Override
    protected void removeDocument(Integer position) {
      if (getDocument(position).get(ID) instanceof String) positions.remove(getDocument(position).get(ID));
      super.removeDocument(position);
    }
  }
}
