import java.nio.file.Path;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;

/** A Neo4j community server on the folder and the neo4j.conf in it: {@code java -cp 'lib/*' Neo4jServer.java FOLDER}. */
public class Neo4jServer {
    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        DatabaseManagementService service = new DatabaseManagementServiceBuilder(folder)
            .loadPropertiesFromFile(folder.resolve("neo4j.conf"))
            .build();
        Runtime.getRuntime().addShutdownHook(new Thread(service::shutdown));
        System.out.println("ready");
        while (System.in.read() >= 0) { } // our parent holds the other end: its death is our end
        System.exit(0);
    }
}
