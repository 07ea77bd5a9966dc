import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Calls a desk's HTTP API: asks about the persons whose numbers come on standard input, or reports a file.
 *
 * <pre>
 * DESK=http://127.0.0.1:7700 TOKEN_FILE=token java Desk.java check 2026-03-31 consent.pdf &lt; numbers.txt
 * DESK=http://127.0.0.1:7700 TOKEN_FILE=token java Desk.java report portfolio.csv
 * </pre>
 *
 * One number is asked about at once; several become a job. A JDK of 17 or newer is all that it needs. The JDK has no
 * reader of JSON: a real system takes the one that it has, where this program looks for a few names by pattern.
 */
public final class Desk {
    /** A request was refused; the message is the problem document. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1;

        Refused(String problem) {
            super(problem);
        }
    }

    private static final Duration LIMIT = Duration.ofSeconds(200);
    private static final int ATTEMPTS = 5;

    private final HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
    private final String api;
    private final String token;

    private Desk(String desk, String token) {
        this.api = desk + "/api/v1";
        this.token = token;
    }

    public static void main(String[] arguments) throws Exception {
        String desk = System.getenv().getOrDefault("DESK", "http://127.0.0.1:7700");
        Desk calls = new Desk(desk, Files.readString(Path.of(System.getenv("TOKEN_FILE"))).strip());
        try {
            if (arguments.length == 3 && arguments[0].equals("check")) {
                calls.check(arguments[1], Files.readAllBytes(Path.of(arguments[2])));
            } else if (arguments.length == 2 && arguments[0].equals("report")) {
                calls.report(Files.readAllBytes(Path.of(arguments[1])));
            } else {
                System.err.println("usage: java Desk.java check DATE CONSENT < numbers | java Desk.java report FILE");
                System.exit(2);
            }
        } catch (Refused refused) {
            String problem = refused.getMessage();
            for (String name : List.of("title", "reason", "field", "rule", "want", "detail")) {
                System.err.println(name + ": " + text(problem, name));
            }
            System.exit(1);
        }
    }

    private void check(String date, byte[] consent) throws Exception {
        String digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(consent));
        String asked = "\"purpose\": \"LOAN_APPROVAL\", \"consent\": {\"date\": \"%s\", \"digest\": \"%s\"}".formatted(date, digest);
        List<String> numbers = new String(System.in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        List<String> persons = numbers.stream()
                .map(number -> "{\"id_type\": \"CN_RESIDENT_ID\", \"number\": \"%s\"}".formatted(escaped(number)))
                .toList();
        if (persons.size() == 1) {
            String found = post("/checks", "application/json", "{\"person\": %s, %s}".formatted(persons.get(0), asked).getBytes(StandardCharsets.UTF_8));
            System.out.println("1 " + text(found, "verdict") + " " + assessed(found));
            return;
        }
        String body = "{\"persons\": [%s], %s}".formatted(String.join(", ", persons), asked);
        String job = finished("/jobs/checks", "application/json", body.getBytes(StandardCharsets.UTF_8));
        for (String after = "0"; !after.equals("null");) {
            String page = get("/jobs/" + job + "/answers?after=" + after);
            // Each answer begins with the place of its person.
            for (String one : page.split("(?=\\{\"place\":)")) {
                if (one.startsWith("{\"place\":")) {
                    System.out.println(text(one, "place") + " " + text(one, "verdict") + " " + assessed(one));
                }
            }
            after = last(page, "next");
        }
    }

    private void report(byte[] file) throws Exception {
        String job = finished("/jobs/reports", "application/octet-stream", file);
        String told = get("/jobs/" + job);
        Map<String, String> counts = List.of("rows", "accepted", "repeated", "rejected_rows").stream()
                .collect(Collectors.toMap(name -> name, name -> text(told, name)));
        System.out.printf("%s rows: %s accepted, %s known, %s rejected%n",
                counts.get("rows"), counts.get("accepted"), counts.get("repeated"), counts.get("rejected_rows"));
        String rejected = get("/jobs/" + job + "/rejected");
        Matcher rows = Pattern.compile("\\{[^{}]*\"rule\"[^{}]*\\}").matcher(rejected.substring(0, rejected.indexOf("\"warnings\"")));
        while (rows.find()) {
            String row = rows.group();
            System.out.printf("row %s: %s %s %s %s%n",
                    text(row, "row"), text(row, "reason"), text(row, "field"), text(row, "rule"), text(row, "want"));
        }
    }

    /** Begins a job, waits for its end, and returns its name. */
    private String finished(String path, String type, byte[] body) throws Exception {
        String job = text(post(path, type, body), "job");
        while (true) {
            String told = get("/jobs/" + job);
            switch (text(told, "state")) {
                case "WAITING", "RUNNING" -> Thread.sleep(500);
                case "DONE" -> {
                    return job;
                }
                default -> throw new Refused(told);
            }
        }
    }

    /** Posts with a key of its own, so that whatever was lost on the way may be sent again. */
    private String post(String path, String type, byte[] body) throws Exception {
        HttpRequest request = request(path)
                .header("Content-Type", type)
                .header("Idempotency-Key", UUID.randomUUID().toString())
                .POST(BodyPublishers.ofByteArray(body))
                .build();
        return sent(request);
    }

    private String get(String path) throws Exception {
        return sent(request(path).build());
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(api + path)).timeout(LIMIT).header("Authorization", "Bearer " + token);
    }

    private String sent(HttpRequest request) throws IOException, InterruptedException, Refused {
        for (int attempt = 1;; attempt++) {
            HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
            if (response.statusCode() < 400) {
                return response.body();
            }
            if (attempt == ATTEMPTS || !text(response.body(), "retryable").equals("true")) {
                throw new Refused(response.body());
            }
            Thread.sleep(1_000L * attempt);
        }
    }

    private static String assessed(String checked) {
        return text(checked.substring(checked.indexOf("\"assessment\":")), "outcome");
    }

    /** Returns the first value of a name. */
    private static String text(String json, String name) {
        Matcher found = pattern(name).matcher(json);
        return found.find() ? value(found) : "";
    }

    /** Returns the last value of a name. */
    private static String last(String json, String name) {
        return pattern(name).matcher(json).results().reduce((one, other) -> other).map(found -> found.group(2)).orElse("null");
    }

    private static Pattern pattern(String name) {
        return Pattern.compile("\"%s\":(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([a-z0-9]+))".formatted(name));
    }

    private static String value(Matcher found) {
        return found.group(1) != null ? found.group(1) : found.group(2);
    }

    private static String escaped(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }
}
